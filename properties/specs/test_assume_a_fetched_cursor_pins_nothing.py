"""We assume: execute_fetchall leaves no read open, so a checkpoint and a writer go ahead.

A cursor dropped before its end pins the read snapshot until the connection's next call, and one
that outlives its connection keeps the write lock. We fetch to the end in the call that began it.
"""

import asyncio
import sqlite3
from contextlib import closing

import aiosqlite

from properties.probes import write_lock_findings
from properties.scratch import scratch_folder

LEANS_ON = "fsmcore/connections/per_transition.py: _Keeper.read"


async def _read_beside(path: str, outsider: sqlite3.Connection) -> list[str]:
    async with aiosqlite.connect(path, isolation_level=None) as db:
        rows = await db.execute_fetchall("SELECT x FROM t")
        assert [(number,) for number in range(100)] == list(rows)
        outsider.execute("INSERT INTO t VALUES (100)")
        return write_lock_findings(outsider)


def test_a_checkpoint_is_not_held_up() -> None:
    """Read a hundred rows, then write and checkpoint beside the idle reader."""
    with scratch_folder() as folder:
        path = f"{folder}/t.db"
        with closing(sqlite3.connect(path, isolation_level=None, timeout=0)) as outsider:
            outsider.execute("PRAGMA journal_mode=WAL")
            outsider.execute("CREATE TABLE t (x)")
            outsider.executemany("INSERT INTO t VALUES (?)", [(n,) for n in range(100)])
            assert [] == asyncio.run(_read_beside(path, outsider))
