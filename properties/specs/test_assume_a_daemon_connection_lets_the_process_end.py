"""Users assume: `connection.daemon = True` lets the process end with the connection open.

Up to 0.21 a connection is a thread, and that is the way to forget one. From 0.22 on it is none,
the attribute is taken without a word, and the process hangs. The core closes what it opens. Asked
in a process of its own, which has to end.
"""

import subprocess
import sys

LEANS_ON = "users of aiosqlite beside the core: connections that a pool never closes"

PATIENCE_S = 10
SCRIPT = """
import asyncio, aiosqlite
kept = []

async def main():
    connection = aiosqlite.connect(":memory:")
    connection.daemon = True
    kept.append(await connection)

asyncio.run(main())
"""


def test_the_process_ends() -> None:
    """Open a connection, keep it, and leave."""
    process = subprocess.Popen([sys.executable, "-c", SCRIPT], stderr=subprocess.DEVNULL)
    try:
        process.wait(PATIENCE_S)
        ended = "ended"
    except subprocess.TimeoutExpired:
        ended = f"not ended after {PATIENCE_S} s: its worker is no daemon"
    finally:
        process.kill()
        process.wait()
    assert "ended" == ended
