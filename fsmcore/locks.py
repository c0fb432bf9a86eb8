"""One asyncio lock a file, so that tasks of one process do not race for nothing.

The lock only saves work: the version check in the database is the arbiter, with or without it.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class FileLocks(Protocol):
    """Something to hold while a file is worked on."""

    def holding(self, key: str) -> contextlib.AbstractAsyncContextManager[None]:
        """Hold the lock of ``key`` inside the block."""
        ...


class NoFileLocks:
    """Holds nothing: every race is left to the version check."""

    def holding(self, key: str) -> contextlib.AbstractAsyncContextManager[None]:  # noqa: ARG002
        """Hold nothing inside the block."""
        return contextlib.nullcontext()


@dataclass(slots=True)
class _Entry:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    user_count: int = 0


class FileLockManager:
    """Locks by key, first come first served, forgotten when nobody holds or awaits them.

    Belongs to one event loop. Safe to cancel anywhere: a cancelled waiter is not counted, and a
    cancelled holder releases.
    """

    def __init__(self) -> None:
        """Hold no lock."""
        self._entries: dict[str, _Entry] = {}

    def __len__(self) -> int:
        """Return how many keys are held or awaited now."""
        return len(self._entries)

    @contextlib.asynccontextmanager
    async def holding(self, key: str) -> AsyncIterator[None]:
        """Hold the lock of ``key`` inside the block."""
        entry = self._entries.setdefault(key, _Entry())
        entry.user_count += 1
        try:
            async with entry.lock:
                yield
        finally:
            entry.user_count -= 1
            if not entry.user_count:
                del self._entries[key]
