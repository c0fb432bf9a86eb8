"""We assume: when close() has returned, SQLite's connection is closed.

The last close checkpoints and removes the WAL; whoever copies the file after `Store.close` counts
on it.
"""

import asyncio
import os

import aiosqlite

from properties.probes import ConnectionProbe
from properties.scratch import scratch_folder

LEANS_ON = "fsmcore/connections/per_transition.py: _Keeper.end"


async def _open_and_close(path: str, probe: ConnectionProbe) -> tuple[bool, list[str], bool]:
    db = await aiosqlite.connect(path, isolation_level=None)
    await db.execute_fetchall("PRAGMA journal_mode=WAL")
    await db.execute("CREATE TABLE t (x)")
    has_wal = os.path.exists(f"{path}-wal")
    await db.close()
    return has_wal, probe.findings(0), os.path.exists(f"{path}-wal")


def test_the_wal_is_gone() -> None:
    """Nothing is open, and SQLite has tidied up."""
    with scratch_folder() as folder:
        probe = ConnectionProbe()
        assert (True, [], False) == asyncio.run(_open_and_close(f"{folder}/t.db", probe))
