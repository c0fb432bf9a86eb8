"""Users assume: a connection that is dropped unused and unclosed keeps nobody from leaving.

Up to 0.21 its worker thread waits for ever, and the process with it; from 0.22.0 a warning is
given and the worker ends, and from 0.22.1 also when the loop has ended before. One that was used is
another law. The core closes what it opens. Asked in a process of its own, which has to end.
"""

import subprocess
import sys

import pytest

LEANS_ON = "users of aiosqlite beside the core: a connection forgotten on an error path"

PATIENCE_S = 10
SCRIPT = """
import asyncio, aiosqlite, gc, warnings
warnings.simplefilter("ignore")
kept = []

async def main():
    db = await aiosqlite.connect(":memory:")
    if {late}:
        kept.append(db)
    del db
    gc.collect()
    await asyncio.sleep(0)

asyncio.run(main())
kept.clear()
gc.collect()
"""


@pytest.mark.parametrize("late", [False, True], ids=["in its loop", "after its loop"])
def test_the_process_ends(late: bool) -> None:
    """Drop the connection, and leave."""
    command = [sys.executable, "-c", SCRIPT.format(late=late)]
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
