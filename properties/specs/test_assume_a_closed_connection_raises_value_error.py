"""We assume: whoever uses a closed connection gets a ValueError, at once.

A rollback that comes after a close is caught by that class; another one would mask the attempt's
own error, and a call that waits would never come back.
"""

import asyncio

import aiosqlite

LEANS_ON = "fsmcore/connections/per_transition.py: _Keeper.read"


async def _use_after_close() -> list[str]:
    db = await aiosqlite.connect(":memory:")
    await db.close()
    told = []
    for use in (db.rollback, db.commit, lambda: db.execute("SELECT 1")):
        try:
            await asyncio.wait_for(use(), 10)
            told.append("nothing")
        except Exception as error:
            told.append(type(error).__name__)
    return told


def test_each_use() -> None:
    """Rollback, commit and execute."""
    assert ["ValueError"] * 3 == asyncio.run(_use_after_close())
