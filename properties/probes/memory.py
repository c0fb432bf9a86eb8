"""What SQLite has allocated and not freed, in this process."""

from __future__ import annotations

import _sqlite3
import ctypes
from collections.abc import Callable
from typing import Any


def _counter() -> Callable[[], int] | None:
    """Find ``sqlite3_memory_used`` in the very library that the stdlib module calls."""
    path = getattr(_sqlite3, "__file__", None)
    try:
        found: Any = ctypes.CDLL(path).sqlite3_memory_used
    except (OSError, AttributeError):
        return None  # built in, or its symbols are hidden
    found.restype = ctypes.c_int64
    return found  # type: ignore[no-any-return]


class MemoryProbe:
    """Compares SQLite's allocations, now and at the start, in bytes."""

    used_bytes = staticmethod(_counter() or (lambda: 0))
    can_see = _counter() is not None
    """False where SQLite's symbols are hidden; then nothing is found, and the session says so."""

    def __init__(self) -> None:
        """Take what is allocated now as given."""
        self._given = self.used_bytes()

    def findings(self, allowed_bytes: int = 0) -> list[str]:
        """Return a sentence if SQLite holds more than it did."""
        grown = self.used_bytes() - self._given
        return [f"SQLite holds {grown:,} bytes more than before"] if grown > allowed_bytes else []
