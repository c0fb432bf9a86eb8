"""Users assume: a cancelled connect() leaves no SQLite connection open.

In all releases so far the connection that the worker made is dropped and closed by the garbage
collector alone, which may come late. Our own connects run to their end whoever is cancelled.
"""

import asyncio
import gc
from pathlib import Path

import aiosqlite

from properties.probes import ConnectionProbe
from properties.scratch import scratch_folder

LEANS_ON = "users of aiosqlite beside the core: asyncio.timeout() around connect()"

TURNS = 3


async def _cancel_a_connect(path: str) -> None:
    connecting = asyncio.ensure_future(aiosqlite.connect(path).__aenter__())
    for _ in range(TURNS):
        await asyncio.sleep(0)
    connecting.cancel()
    await asyncio.wait([connecting])
    if not connecting.cancelled():
        await connecting.result().close()
    async with aiosqlite.connect(path) as other:  # gives the worker time to end what it has begun
        await other.execute_fetchall("SELECT 1")


def test_nothing_is_open() -> None:
    """Without the garbage collector's help."""
    with scratch_folder() as folder:
        probe = ConnectionProbe()
        was_collecting = gc.isenabled()
        gc.disable()
        try:
            for _ in range(5):
                asyncio.run(_cancel_a_connect(str(Path(folder, "t.db"))))
            found = probe.findings(0)
        finally:
            probe.forget()
            if was_collecting:
                gc.enable()
            gc.collect()
        assert not found, "; ".join(found)
