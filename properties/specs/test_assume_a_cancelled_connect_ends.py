"""Users assume: a cancelled connect() leaves no thread that keeps the process from ending.

Our own connects run to their end whoever is cancelled, so the core does not lean on it; whoever
uses aiosqlite beside it does. Up to 0.20 the worker thread waits for ever. Asked in a process of
its own, which has to end.
"""

import subprocess
import sys

LEANS_ON = "users of aiosqlite beside the core: asyncio.timeout() around connect()"

PATIENCE_S = 10
SCRIPT = """
import asyncio, aiosqlite, threading

async def main():
    connecting = asyncio.ensure_future(aiosqlite.connect(":memory:").__aenter__())
    await asyncio.sleep(0)
    connecting.cancel()
    await asyncio.wait([connecting])
    for _ in range(5):  # the loop lives on, as a server's does, while the worker connects
        async with aiosqlite.connect(":memory:") as other:
            await other.execute_fetchall("SELECT 1")

asyncio.run(main())
"""


def test_the_process_ends() -> None:
    """Cancel a connect that is on its way, and leave."""
    command = [sys.executable, "-c", SCRIPT]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        process.wait(PATIENCE_S)
        ended = "ended"
    except subprocess.TimeoutExpired:
        ended = f"not ended after {PATIENCE_S} s: a worker thread waits for ever"
    finally:
        process.kill()
        process.wait()
    assert "ended" == ended
