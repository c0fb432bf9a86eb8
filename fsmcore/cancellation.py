"""Work that a cancellation may not leave half done."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

T = TypeVar("T")

_log = logging.getLogger("fsmcore")


async def finish(work: Awaitable[T], *, on_cancel: Callable[[], object] | None = None) -> T:
    """Run ``work`` to its end even if the caller is cancelled, then let the cancellation out.

    A waiter of its own and not ``shield``: cancelled, it leaves ``work`` alone, and a later error
    of ``work`` is not logged as lost (``asyncio.wait`` does the same for a set, and costs twice as
    much as a short hop). And ``work`` is taken off the list of tasks: ``asyncio.run``
    cancels every task on it when it ends, and a connect cancelled so leaves its connection open
    and its thread calling a closed loop. Its caller is on that list, and waits for it.

    ``on_cancel`` is called at the first cancellation, to let ``work`` come to its end sooner.
    """
    task = asyncio.ensure_future(work)
    if isinstance(task, asyncio.Task):
        asyncio.tasks._unregister_task(task)  # "Extending asyncio" in the library reference
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        waiter = task.get_loop().create_future()
        wake = partial(_wake, waiter)
        task.add_done_callback(wake)
        try:
            await waiter
        except asyncio.CancelledError as error:
            if cancelled is None and on_cancel is not None:
                on_cancel()
            cancelled = error
            task.remove_done_callback(wake)
    if cancelled is None:
        return task.result()
    if not task.cancelled() and (failed := task.exception()) is not None:
        _log.warning("cancelled while finishing, and that failed: %s", failed)
    try:
        raise cancelled
    finally:
        del cancelled  # else this frame and the error would keep each other alive


def _wake(waiter: asyncio.Future[None], _work: object) -> None:
    if not waiter.done():
        waiter.set_result(None)
