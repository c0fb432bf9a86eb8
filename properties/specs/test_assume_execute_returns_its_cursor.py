"""Users assume: `cursor.execute` returns the cursor, as sqlite3's does.

Calls can be chained by it. Up to 0.12 it returns None. The core calls sqlite3 itself, inside of one
hop.
"""

import asyncio
from typing import Any

import aiosqlite

LEANS_ON = "users of aiosqlite beside the core: (await cursor.execute(sql)).rowcount"


async def _chained() -> list[Any]:
    async with aiosqlite.connect(":memory:") as db:
        cursor = await db.cursor()
        created = await cursor.execute("CREATE TABLE t (x)")
        told = [getattr(created, "rowcount", "no cursor")]
        inserted = await cursor.executemany("INSERT INTO t VALUES (?)", [(1,), (2,)])
        return [*told, getattr(inserted, "rowcount", "no cursor")]


def test_one_statement_and_many() -> None:
    """The row counts of what they return."""
    assert [-1, 2] == asyncio.run(_chained())
