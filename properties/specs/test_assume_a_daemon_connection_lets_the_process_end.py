"""Users assume: `connection.daemon = True` lets the process end with the connection open.

Up to 0.21 a connection is a thread, and that is the way to forget one. From 0.22 on it is none,
the attribute is taken without a word, and the process hangs. The core closes what it opens. Asked
in a process of its own: who would keep it from ending?
"""

import subprocess
import sys

LEANS_ON = "users of aiosqlite beside the core: connections that a pool never closes"

PATIENCE_S = 60
SCRIPT = """
import asyncio, aiosqlite, os, threading
kept = []

async def main():
    connection = aiosqlite.connect(":memory:")
    connection.daemon = True
    kept.append(await connection)

asyncio.run(main())
others = [each for each in threading.enumerate() if each is not threading.main_thread()]
is_free = all(each.daemon for each in others)
print("free" if is_free else "waited for: its worker is no daemon", flush=True)
os._exit(0)
"""


def test_nobody_waits_for_its_worker() -> None:
    """Open a connection, keep it, and look which threads the interpreter would wait for."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert "free" == done.stdout.strip(), done.stderr
