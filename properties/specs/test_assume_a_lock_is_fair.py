"""We assume: asyncio.Lock serves in the order of asking, and a waiter that is cancelled loses none.

The file locks and the writers' turns lean on it. A lock that lets the last one in first would
starve somebody; one that gives a turn to a cancelled waiter would stop everybody.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from properties.rules.turns import run_in_turns

LEANS_ON = "fsmcore/locks.py: FileLockManager.holding"


async def _take_turns(cancelled: set[int], count: int, turns: int) -> list[int]:
    served: list[int] = []
    lock = asyncio.Lock()

    async def take(number: int) -> None:
        async with lock:
            served.append(number)
            for _ in range(3):
                await asyncio.sleep(0)

    takers = [asyncio.ensure_future(take(number)) for number in range(count)]
    for _ in range(turns):
        await asyncio.sleep(0)
    for number in cancelled:
        takers[number].cancel()
    await asyncio.wait(takers)
    assert not lock.locked()
    return [number for number in served if number not in cancelled]


def test_first_come_first_served(drawn: Callable[[Any, Callable[[Any], None]], None]) -> None:
    """Eight takers, some cancelled while they wait or hold."""

    def holds(case: tuple[set[int], int]) -> None:
        cancelled, turns = case
        expected = [number for number in range(8) if number not in cancelled]
        assert expected == run_in_turns(lambda: _take_turns(cancelled, 8, turns))

    drawn(st.tuples(st.sets(st.integers(0, 7), max_size=3), st.integers(0, 30)), holds)
