"""We assume: whoever calls a connection while it closes, or a cursor after that, is answered.

By an error; waiting for ever is the one thing that nobody can handle. 0.15 forgets what is queued
behind a close, and up to 0.16 nobody takes what a cursor asks after one. When a store is closed,
attempts may be under way.
"""

import asyncio
import threading
from collections.abc import Awaitable
from typing import Any

import aiosqlite

LEANS_ON = "fsmcore/connections/per_transition.py: _Keeper.end"

PATIENCE_S = 3


async def _answer(call: Awaitable[Any]) -> str:
    try:
        await asyncio.wait_for(call, PATIENCE_S)
    except TimeoutError:
        return "waits for ever"
    except Exception:
        return "refused"
    return "answered"


async def _call_while_closing() -> list[str]:
    db = await aiosqlite.connect(":memory:")
    closing = asyncio.ensure_future(_answer(db.close()))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    behind = [asyncio.ensure_future(_answer(db.execute("SELECT 1").__aenter__())) for _ in "abc"]
    await asyncio.wait([closing, *behind])
    return sorted({each.result() for each in behind})


async def _read_after_close() -> str:
    others = set(threading.enumerate())
    db = await aiosqlite.connect(":memory:")
    cursor = await db.execute("SELECT 1")
    workers = set(threading.enumerate()) - others
    await db.close()
    for worker in workers:
        await asyncio.to_thread(worker.join, PATIENCE_S)  # who takes a call after that?
    return await _answer(cursor.fetchone())


def test_calls_behind_a_close() -> None:
    """Three of them, made before it is done."""
    assert "waits for ever" not in asyncio.run(_call_while_closing())


def test_a_cursor_after_a_close() -> None:
    """Opened before, read after."""
    assert "refused" == asyncio.run(_read_after_close())
