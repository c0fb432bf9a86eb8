"""We assume: a call handed to aiosqlite runs even when its caller is cancelled, in order.

So a COMMIT that was sent is executed, and a rollback queued behind it finds nothing to undo.
That is why who is cancelled waits for the hop that he has sent, and is told what became of it.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import Any

import aiosqlite
from hypothesis import strategies as st

from properties.scratch import scratch_folder

LEANS_ON = "fsmcore/connections/per_transition.py: _Keeper.write"


async def _cancel_a_commit(path: str, turns: int) -> None:
    async with aiosqlite.connect(path, isolation_level=None) as db:
        await db.execute("BEGIN IMMEDIATE")
        await db.execute("INSERT INTO t VALUES (1)")
        committing = asyncio.ensure_future(db.execute("COMMIT").__aenter__())
        await asyncio.sleep(0)  # the call is in the worker's queue now
        for _ in range(turns):
            await asyncio.sleep(0)
        committing.cancel()
        await asyncio.wait([committing])
        await db.rollback()


def test_the_row_is_there(drawn: Callable[[Any, Callable[[Any], None]], None]) -> None:
    """Cancelled at once, or some turns of the loop later."""

    def holds(turns: int) -> None:
        with scratch_folder() as folder:
            path = f"{folder}/t.db"
            with closing(sqlite3.connect(path, isolation_level=None)) as db:
                db.execute("CREATE TABLE t (x)")
                asyncio.run(_cancel_a_commit(path, turns))
                assert [(1,)] == db.execute("SELECT x FROM t").fetchall()

    drawn(st.integers(0, 30), holds)
