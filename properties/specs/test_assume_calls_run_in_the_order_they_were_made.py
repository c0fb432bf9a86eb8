"""We assume: the calls of one connection run, and answer, in the order in which they were made.

Made by many tasks, too. A rollback queued behind a COMMIT finds nothing to undo only then.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import aiosqlite
from hypothesis import strategies as st

LEANS_ON = "fsmcore/connections/per_transition.py: _Keeper.end"


async def _insert(numbers: list[int]) -> tuple[list[int], list[int]]:
    answered: list[int] = []
    async with aiosqlite.connect(":memory:", isolation_level=None) as db:
        await db.execute("CREATE TABLE t (x)")

        async def insert(number: int) -> None:
            await db.execute("INSERT INTO t VALUES (?)", (number,))
            answered.append(number)

        await asyncio.gather(*(insert(number) for number in numbers))
        rows = await db.execute_fetchall("SELECT x FROM t ORDER BY rowid")
    return [x for (x,) in rows], answered


def test_many_tasks(drawn: Callable[[Any, Callable[[Any], None]], None]) -> None:
    """Each makes one call, all before the first is answered."""

    def holds(numbers: list[int]) -> None:
        ran, answered = asyncio.run(_insert(numbers))
        assert (numbers, numbers) == (ran, answered)

    drawn(st.lists(st.integers(0, 99), min_size=2, max_size=12), holds)
