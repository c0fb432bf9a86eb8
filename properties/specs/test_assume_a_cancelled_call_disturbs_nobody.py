"""We assume: the result of a call whose caller was cancelled is dropped without a noise.

Up to 0.15 it is put into the cancelled future, and the loop's exception handler hears
InvalidStateError. A server's handler counts that as a crash. The core cancels as its callers do.
"""

import asyncio
from typing import Any

import aiosqlite

LEANS_ON = "fsmcore/connections/per_transition.py: _Keeper.read"


async def _cancel_one() -> tuple[list[Any], list[str]]:
    told: list[str] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, told_of: told.append(repr(told_of.get("exception"))))
    async with aiosqlite.connect(":memory:") as db:
        cancelled = asyncio.ensure_future(db.execute_fetchall("SELECT 1").__aenter__())
        await asyncio.sleep(0)
        cancelled.cancel()
        await asyncio.wait([cancelled])
        rows = await db.execute_fetchall("SELECT 2")
    return [tuple(row) for row in rows], told


def test_the_loop_hears_nothing() -> None:
    """The next call is answered, and nobody was told of an error."""
    assert ([(2,)], []) == asyncio.run(_cancel_one())
