"""Users assume: two tasks that close one connection at the same time both come back.

A shutdown handler and the `async with` that it interrupts. From 0.22 on the second one waits for
ever: the worker is gone before it takes the call. The core closes each connection once. Asked in a
process of its own, because nobody can end that wait.
"""

import subprocess
import sys

LEANS_ON = "users of aiosqlite beside the core: a shutdown handler beside `async with`"

PATIENCE_S = 60
SCRIPT = """
import asyncio, aiosqlite, os, threading

async def main():
    others = set(threading.enumerate())
    db = await aiosqlite.connect(":memory:")
    workers = set(threading.enumerate()) - others
    closes = [asyncio.ensure_future(db.close()) for _ in range(2)]
    await asyncio.wait(closes, return_when=asyncio.FIRST_COMPLETED)
    for worker in workers:
        await asyncio.to_thread(worker.join)  # who would answer after that?
    for _ in range(100):
        await asyncio.sleep(0)
    waiting = [each for each in closes if not each.done()]
    print(f"{2 - len(waiting)} came back, {len(waiting)} waits for ever", flush=True)
    os._exit(0)

asyncio.run(main())
"""


def test_two_tasks() -> None:
    """Both are answered."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert "2 came back, 0 waits for ever" == done.stdout.strip(), done.stderr
