"""Users assume: a cursor's row_factory may be set, and counts for its rows alone.

As sqlite3's. Up to 0.18 setting it changes nothing, without a word. The core sets none.
"""

import asyncio
import sqlite3

import aiosqlite

LEANS_ON = "users of aiosqlite beside the core: cursor.row_factory = aiosqlite.Row"


async def _kinds() -> list[str]:
    async with aiosqlite.connect(":memory:") as db:
        first, second = await db.execute("SELECT 1 AS a"), await db.execute("SELECT 1 AS a")
        first.row_factory = sqlite3.Row
        return [type(await each.fetchone()).__name__ for each in (first, second)]


def test_two_cursors_of_one_connection() -> None:
    """One with a factory, one without."""
    assert ["Row", "tuple"] == asyncio.run(_kinds())
