"""We assume: an error of the native close() reaches whoever closes, and the worker ends anyway.

From 0.13 to 0.15 it is logged and forgotten; up to 0.12 it is told and the worker thread stays. A
close that fails may have failed to check-point.
"""

import asyncio
import sqlite3

import aiosqlite

from properties.probes import ThreadProbe

LEANS_ON = "fsmcore/connections/per_transition.py: _Keeper.end"


class Failing(sqlite3.Connection):
    """Closes, and says that it could not."""

    def close(self) -> None:
        """Close and raise."""
        super().close()
        raise sqlite3.OperationalError("disk I/O error")


async def _close() -> str:
    db = await aiosqlite.connect(":memory:", factory=Failing)
    try:
        await db.close()
    except sqlite3.OperationalError as error:
        return str(error)
    return "nothing was told"


def test_it_is_told_and_nothing_stays() -> None:
    """By its own text."""
    probe = ThreadProbe()
    assert "disk I/O error" == asyncio.run(_close())
    assert [] == probe.findings(0)
