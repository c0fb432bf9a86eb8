"""Callbacks and timers that an event loop still holds when nobody works."""

from __future__ import annotations

import asyncio
from typing import Any


def loop_findings() -> list[str]:
    """Return a sentence for each queue that is not empty. Ask from a coroutine, when all is over.

    A timer that was cancelled does not count, the loop drops it late. A loop whose queues cannot be
    seen is taken for empty.
    """
    loop: Any = asyncio.get_running_loop()
    ready = [handle for handle in getattr(loop, "_ready", ()) if not handle.cancelled()]
    timers = [handle for handle in getattr(loop, "_scheduled", ()) if not handle.cancelled()]
    return [
        f"{len(held)} {what} in the event loop: {', '.join(sorted(map(_name, held))[:3])}"
        for held, what in ((ready, "callbacks wait"), (timers, "timers run"))
        if held
    ]


def _name(handle: Any) -> str:
    callback = handle._callback
    return str(getattr(callback, "__qualname__", type(callback).__name__))
