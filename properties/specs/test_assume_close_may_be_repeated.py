"""Users assume: closing a connection twice is harmless.

Up to 0.19 the second close raised ValueError. The core closes each connection once; an `async
with` around an explicit close, which the documentation suggests, closes it twice.
"""

import asyncio

import aiosqlite

LEANS_ON = "users of aiosqlite beside the core: a close inside `async with`"


async def _close_twice() -> str:
    db = await aiosqlite.connect(":memory:")
    await db.close()
    try:
        await db.close()
    except ValueError as error:
        return f"the second close raised ValueError: {error}"
    return "harmless"


def test_the_second_close_is_harmless() -> None:
    """Close, and close."""
    assert "harmless" == asyncio.run(_close_twice())
