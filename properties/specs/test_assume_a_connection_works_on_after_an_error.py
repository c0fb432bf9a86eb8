"""We assume: an error, or a caller who is cancelled, leaves a connection usable.

After either we roll back and read on the same connection. A worker that ends on an error would
leave the next call waiting for ever.
"""

import asyncio
import sqlite3

import aiosqlite

LEANS_ON = "fsmcore/connections/work.py: Transaction.run"


async def _go_on() -> list[object]:
    told: list[object] = []
    async with aiosqlite.connect(":memory:", isolation_level=None) as db:
        try:
            await db.execute("SELECT nosuch")
        except sqlite3.OperationalError:
            told.append("raised")
        calling = asyncio.ensure_future(db.execute_fetchall("SELECT 1"))
        await asyncio.sleep(0)
        calling.cancel()
        await asyncio.wait([calling])
        told.append(list(await asyncio.wait_for(db.execute_fetchall("SELECT 2"), 10)))
    return told


def test_the_next_call_is_answered() -> None:
    """After an error, and after a cancelled call."""
    assert ["raised", [(2,)]] == asyncio.run(_go_on())
