"""asyncio with one thing broken."""

from __future__ import annotations

import asyncio
import collections
from collections.abc import Iterable
from typing import Any

import pytest


class _LastInFirstServed(asyncio.Lock):
    """Turns its queue around."""

    async def acquire(self) -> Any:
        """Let whoever came last wait at the front."""
        waiters = getattr(self, "_waiters", None)
        if waiters:
            self._waiters = collections.deque(reversed(waiters))
        try:
            return await super().acquire()
        finally:
            if self._waiters:
                self._waiters = collections.deque(reversed(self._waiters))


class _ServesTheCancelled(asyncio.Lock):
    """Gives the lock to a waiter that was cancelled, who never lets go."""

    async def acquire(self) -> Any:
        """Take it all the same."""
        try:
            return await super().acquire()
        except asyncio.CancelledError:
            self._locked = True
            raise


def is_unfair(monkeypatch: pytest.MonkeyPatch) -> None:
    """Serve the last one first."""
    monkeypatch.setattr(asyncio, "Lock", _LastInFirstServed)


def serves_the_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lose a turn with each waiter that is cancelled."""
    monkeypatch.setattr(asyncio, "Lock", _ServesTheCancelled)


def cancels_what_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let ``wait`` hand its cancellation on, as ``gather`` does."""
    whole = asyncio.wait

    async def wait(tasks: Iterable[Any], **options: Any) -> Any:
        try:
            return await whole(tasks, **options)
        except asyncio.CancelledError:
            for task in tasks:
                task.cancel()
            raise

    monkeypatch.setattr(asyncio, "wait", wait)


def times_out_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a timeout cancel once more, in the next turn."""
    whole = asyncio.timeout

    def timeout(delay_s: float) -> Any:
        task, loop = asyncio.current_task(), asyncio.get_running_loop()
        if task is not None:
            loop.call_later(delay_s + 0.002, task.cancel)
        return whole(delay_s)

    monkeypatch.setattr(asyncio, "timeout", timeout)
