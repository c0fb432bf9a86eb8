"""We assume: with `isolation_level=None` nobody begins a transaction but ourselves.

Otherwise sqlite3 begins a deferred one before an UPDATE: a version check in it meets BUSY_SNAPSHOT,
which no waiting cures, and a statement that we meant to be done is not.
"""

import asyncio
import sqlite3
from contextlib import closing

import aiosqlite

from properties.scratch import scratch_folder

LEANS_ON = "fsmcore/connections/file.py: StoreFile.connect_options"


async def _insert(path: str) -> bool:
    async with aiosqlite.connect(path, isolation_level=None) as db:
        await db.execute("INSERT INTO t VALUES (1)")
        return db.in_transaction


def test_a_lone_statement_is_done() -> None:
    """Inserted, not committed by anybody, and there for everybody."""
    with scratch_folder() as folder:
        path = f"{folder}/t.db"
        with closing(sqlite3.connect(path, isolation_level=None)) as db:
            db.execute("CREATE TABLE t (x)")
            assert not asyncio.run(_insert(path))
            assert [(1,)] == db.execute("SELECT x FROM t").fetchall()
