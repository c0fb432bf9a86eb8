"""We assume: a connect() that fails raises sqlite3's error and leaves no thread behind.

A missing folder, or no descriptor left, is met at each attempt: a thread each would be the end.
"""

import asyncio
import sqlite3

import aiosqlite

from properties.probes import ThreadProbe
from properties.scratch import scratch_folder

LEANS_ON = "fsmcore/connections/per_transition.py: _Connector.__call__"


async def _fail(path: str) -> str:
    try:
        await aiosqlite.connect(path)
    except sqlite3.OperationalError:
        return "raised"
    return "connected"


def test_ten_times_in_a_folder_that_is_not_there() -> None:
    """Each raises, and its worker ends."""
    with scratch_folder() as folder:
        probe = ThreadProbe()
        told = [asyncio.run(_fail(f"{folder}/nosuch/t.db")) for _ in range(10)]
        assert ["raised"] * 10 == told
        assert [] == probe.findings(0)
