"""Users assume: an idle connection does nothing until it is called.

Up to 0.19 its worker wakes up ten times a second to look. Our keeper is idle all the time. Judged
by how the worker waits, not by time: with a limit, or without.
"""

import asyncio
import queue
from typing import Any

import aiosqlite
import aiosqlite.core
import pytest

LEANS_ON = "fsmcore/connections/per_transition.py: _Keeper.open"


async def _use() -> None:
    async with aiosqlite.connect(":memory:") as db:
        await db.execute_fetchall("SELECT 1")


def test_its_worker_waits_without_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """The queue that the worker waits at is asked how it was waited at."""
    limits: list[float | None] = []

    def watched(kind: Any) -> Any:
        # By delegation: SimpleQueue is a C type, and its `get` is looked up by aiosqlite.
        class Watched:
            def __init__(self) -> None:
                self._queue = kind()

            def get(self, block: bool = True, timeout: float | None = None) -> Any:
                limits.append(timeout)
                return self._queue.get(block, timeout)

            def __getattr__(self, name: str) -> Any:
                return getattr(self._queue, name)

            def __class_getitem__(cls, _item: object) -> Any:
                return cls

        return Watched

    name = "SimpleQueue" if hasattr(aiosqlite.core, "SimpleQueue") else "Queue"
    monkeypatch.setattr(aiosqlite.core, name, watched(getattr(queue, name)))
    asyncio.run(_use())
    assert limits, "the worker waits at another queue than the one that was watched"
    assert {None} == set(limits), f"the worker wakes up every {limits[0]} s"
