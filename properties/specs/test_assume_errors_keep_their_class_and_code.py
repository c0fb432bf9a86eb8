"""We assume: what SQLite raises in the worker arrives as sqlite3's own class, with its full code.

Retries are decided by the primary code, and caught by the class. An aiosqlite over another sqlite3
module raises look-alikes that nobody catches.
"""

import asyncio
import sqlite3
from contextlib import closing

import aiosqlite

from properties.scratch import scratch_folder

LEANS_ON = "fsmcore/sqlite.py: translated"


async def _raised(path: str) -> list[tuple[type, int]]:
    told = []
    async with aiosqlite.connect(path, isolation_level=None, timeout=0) as db:
        for statement in (
            "BEGIN IMMEDIATE",
            "SELECT * FROM nosuch",
            "INSERT INTO other VALUES (1), (1)",
        ):
            try:
                await db.execute(statement)
            except sqlite3.Error as error:
                told.append((type(error), error.sqlite_errorcode))
            await db.rollback()
    return told


async def _snapshot_raised(path: str, outsider: sqlite3.Connection) -> int:
    outsider.execute("ROLLBACK")
    async with aiosqlite.connect(path, isolation_level=None, timeout=0) as db:
        await db.execute("BEGIN")
        await db.execute_fetchall("SELECT x FROM t")
        outsider.execute("INSERT INTO t VALUES (1)")
        try:
            await db.execute("INSERT INTO t VALUES (2)")
        except sqlite3.OperationalError as error:
            return error.sqlite_errorcode
    return 0


def test_busy_and_others() -> None:
    """A lock held by another, a table that is not there, a constraint, an old snapshot."""
    with scratch_folder() as folder:
        path = f"{folder}/t.db"
        with closing(sqlite3.connect(path, isolation_level=None, timeout=0)) as outsider:
            outsider.execute("PRAGMA journal_mode=WAL")
            outsider.execute("CREATE TABLE t (x)")
            outsider.execute("CREATE TABLE other (x UNIQUE)")
            outsider.execute("BEGIN IMMEDIATE")
            (busy, missing) = asyncio.run(_raised(path))[:2]
            assert (sqlite3.OperationalError, sqlite3.SQLITE_BUSY) == busy
            assert (sqlite3.OperationalError, sqlite3.SQLITE_ERROR) == missing
            outsider.execute("ROLLBACK")
            refused = asyncio.run(_raised(path))[-1]
            assert (sqlite3.IntegrityError, sqlite3.SQLITE_CONSTRAINT_UNIQUE) == refused
            outsider.execute("BEGIN")
            snapshot = asyncio.run(_snapshot_raised(path, outsider))
            assert sqlite3.SQLITE_BUSY_SNAPSHOT == snapshot
            assert sqlite3.SQLITE_BUSY == snapshot & 0xFF
