"""We assume: a closed connection's thread ends with it.

A connection a transition means a thread a transition: up to 0.19 each lived on for a tenth of a
second, and sixty transitions in a row had sixty threads.
"""

import asyncio
import threading

import aiosqlite

LEANS_ON = "fsmcore/connections/per_transition.py: _Errand.done"

CONNECTION_COUNT = 40
MOST = 4


async def _peak() -> int:
    given = set(threading.enumerate())
    peak = 0
    for _ in range(CONNECTION_COUNT):
        async with aiosqlite.connect(":memory:") as db:
            await db.execute_fetchall("SELECT 1")
            peak = max(peak, len(set(threading.enumerate()) - given))
    return peak


def test_one_connection_after_another() -> None:
    """At most a few that are about to end."""
    peak = asyncio.run(_peak())
    assert peak <= MOST, f"{peak} threads at once for {CONNECTION_COUNT} connections in a row"
