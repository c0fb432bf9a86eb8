"""Users assume: a connection that was used and then dropped without a close is freed.

Only then can its destructor warn and end its thread, as 0.22 promises. But the worker holds on to
its last call, which belongs to the connection, so after one call nothing is ever freed, and the
process does not end. The core closes what it opens.
"""

import asyncio
import gc
import weakref

import aiosqlite

LEANS_ON = "users of aiosqlite beside the core: a connection forgotten on an error path"


async def _drop() -> bool:
    db = await aiosqlite.connect(":memory:")
    await db.execute_fetchall("SELECT 1")
    seen = weakref.ref(db)
    del db
    gc.collect()
    left = seen()
    if left is None:
        return True
    await left.close()  # or this process would not end either
    return False


def test_after_one_call() -> None:
    """Nobody refers to it but its own worker."""
    assert asyncio.run(_drop()), "the worker keeps the dropped connection alive"
