"""Work that a cancellation may not leave half done."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")

_log = logging.getLogger("fsmcore")


async def finish(work: Awaitable[T]) -> T:
    """Run ``work`` to its end even if the caller is cancelled, then let the cancellation out.

    ``asyncio.wait`` and not ``shield``: cancelled, it leaves ``work`` alone, and a later error of
    ``work`` is not logged as lost.
    """
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait((task,))
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is None:
        return task.result()
    if not task.cancelled() and (failed := task.exception()) is not None:
        _log.warning("cancelled while finishing, and that failed: %s", failed)
    raise cancelled
