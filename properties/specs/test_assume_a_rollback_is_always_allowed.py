"""We assume: rollback() ends a transaction, and without one it does nothing and raises nothing.

It is queued after every cancelled or failed attempt, of which nobody knows how far it came.
"""

import asyncio
import sqlite3

import aiosqlite

LEANS_ON = "fsmcore/connections/work.py: roll_back"


async def _told(db: aiosqlite.Connection) -> str:
    try:
        await db.rollback()
    except sqlite3.Error as error:
        return str(error)
    return "done"


async def _roll_back() -> tuple[list[str], bool, bool, int]:
    async with aiosqlite.connect(":memory:", isolation_level=None) as db:
        await db.execute("CREATE TABLE t (x)")
        told = [await _told(db)]
        await db.execute("BEGIN IMMEDIATE")
        await db.execute("INSERT INTO t VALUES (1)")
        before = db.in_transaction
        told += [await _told(db), await _told(db)]
        rows = await db.execute_fetchall("SELECT x FROM t")
        return told, before, db.in_transaction, len(list(rows))


def test_with_and_without_a_transaction() -> None:
    """Once without, once with, once more without."""
    assert (["done"] * 3, True, False, 0) == asyncio.run(_roll_back())
