"""Calls of a subject that must come back, and may be struck on the way."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")

HANG_S = 30.0
"""Far beyond what a struck call takes; whoever is not back by then is stuck."""

EVERY_CALL_ENDS = "every_call_ends"


class SubjectFailedError(Exception):
    """The subject failed where nothing was struck, or does not come back: ``law`` is broken."""

    def __init__(self, law: str, what: str) -> None:
        """Say what it did."""
        super().__init__(what)
        self.law = law
        self.what = what


class CallCancelledError(Exception):
    """The call was cancelled; not a CancelledError, which would be this task's own."""


async def ends(what: str, call: Awaitable[T]) -> T:
    """Await a call in a task of its own.

    Raises ``SubjectFailedError`` when it does not end, ``CallCancelledError``, and what it raises.
    """
    task = asyncio.ensure_future(_awaited(call))
    done, _ = await asyncio.wait({task}, timeout=HANG_S)
    if not done:
        task.cancel()
        raise SubjectFailedError(EVERY_CALL_ENDS, f"{what} has not ended in {HANG_S:.0f} s")
    if task.cancelled():
        raise CallCancelledError(what)
    return task.result()


async def _awaited(call: Awaitable[T]) -> T:
    return await call
