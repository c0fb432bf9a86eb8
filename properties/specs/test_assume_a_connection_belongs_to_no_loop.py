"""Users assume: a connection that was made in one event loop, or outside of any, works in another.

Test suites have a loop a test, and modules make a connection at import. Up to 0.14 it is bound to
the loop that was there when it was made. The core opens a store in the loop that uses it.
"""

import asyncio
from typing import Any

import aiosqlite

LEANS_ON = "users of aiosqlite beside the core: a connection for the session, a loop for each test"

PATIENCE_S = 5


async def _one(db: Any) -> list[Any]:
    rows = await asyncio.wait_for(db.execute_fetchall("SELECT 1"), PATIENCE_S)
    return [tuple(row) for row in rows]


async def _close(db: Any) -> None:
    await asyncio.wait_for(db.close(), PATIENCE_S)


async def _opened() -> Any:
    return await aiosqlite.connect(":memory:")


def test_in_the_next_loop() -> None:
    """Opened in one, used in a second, closed in a third."""
    db = asyncio.run(_opened())
    try:
        told: object = asyncio.run(_one(db))
    except RuntimeError as error:
        told = f"RuntimeError: {type(error).__name__}"
    try:
        asyncio.run(_close(db))
    except RuntimeError:
        db._running = False  # of 0.14: ends its worker, which no loop of today can reach
    assert [(1,)] == told


def test_made_outside() -> None:
    """Made where no loop runs, and opened inside of one."""

    async def use(made: Any) -> list[Any]:
        async with made as db:
            return await _one(db)

    try:
        told: object = asyncio.run(use(aiosqlite.connect(":memory:")))
    except RuntimeError as error:
        told = f"cannot be made: {error}"
    assert [(1,)] == told
