"""Negative controls: code that is right under asyncio, and wrong under orders that FIFO forbids.

A simulator that reorders ready tasks, or loses a wake-up, alarms here. Ours must not, ever.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import aiosqlite

from properties.simulation.budget import Budget
from properties.simulation.scenario import Attempt, Outcome, Scenario, Setting
from properties.simulation.scenarios.counter import READ
from properties.simulation.scenarios.kept import kept

IN_ORDER = "in order"


async def _neighbours(db: aiosqlite.Connection) -> str:
    """Two tasks made one after the other run one after the other, before and after a yield."""
    seen: list[str] = []

    async def step(name: str) -> None:
        seen.append(f"{name} begins")
        await asyncio.sleep(0)
        seen.append(f"{name} ends")

    await db.execute_fetchall(READ)
    await asyncio.gather(step("x"), step("y"))
    await db.execute_fetchall(READ)
    right = ["x begins", "y begins", "x ends", "y ends"]
    return IN_ORDER if seen == right else f"out of order: {seen}"


async def _queue(db: aiosqlite.Connection) -> str:
    """What one task puts is what the next gets, in that order."""
    queue: asyncio.Queue[int] = asyncio.Queue()
    got: list[int] = []

    async def put() -> None:
        for number in range(3):
            await queue.put(number)
            await asyncio.sleep(0)

    async def get() -> None:
        for _ in range(3):
            got.append(await queue.get())  # noqa: PERF401 - one await after the other is the point

    await db.execute_fetchall(READ)
    await asyncio.gather(put(), get())
    return IN_ORDER if got == [0, 1, 2] else f"out of order: {got}"


def _all_in_order(outcome: Outcome) -> str | None:
    wrong = [f"{name}: {answer}" for name, answer in outcome.answers if answer != IN_ORDER]
    return "; ".join(wrong) or None


def _turns(_subject: object, _setting: Setting) -> Sequence[Attempt]:
    held: list[str] = []
    lock = asyncio.Lock()

    def attempt(name: str) -> Attempt:
        async def work() -> str:
            async with lock:
                held.append(name)
                await asyncio.sleep(0)
                alone = held == [name]
                held.remove(name)
            return IN_ORDER if alone else "out of order: two held the lock"

        return name, work

    return [attempt(name) for name in ("a", "b", "c")]


_FINE = Budget(callbacks_interleave=True)

CONTROLS: tuple[Scenario, ...] = (
    kept("neighbours", "Tasks run in the order in which they were made.",
         _neighbours, _neighbours, law=_all_in_order, budget=_FINE),
    kept("queue", "A queue keeps its order.", _queue, _queue, law=_all_in_order, budget=_FINE),
    Scenario(
        name="turns",
        sentence="A lock is held by one.",
        create_sql="CREATE TABLE counter (id INTEGER)",
        reset_sql="DELETE FROM counter",
        observe_sql="SELECT count(*) FROM counter",
        attempts=_turns,
        law=_all_in_order,
        budget=_FINE,
    ),
)  # fmt: skip
