"""SQLite connections that were opened and not closed."""

from __future__ import annotations

import sqlite3
import sys
import threading

from properties.probes.opener import Frames, frames, watch_threads, where

_lock = threading.Lock()
_opened: list[tuple[sqlite3.Connection, Frames]] = []
_is_watching = False


def _watch(event: str, arguments: tuple[object, ...]) -> None:
    if event == "sqlite3.connect/handle":
        (connection,) = arguments
        if isinstance(connection, sqlite3.Connection):
            with _lock:
                _forget_closed()
                _opened.append((connection, frames(threading.current_thread())))


def _is_open(connection: sqlite3.Connection) -> bool:
    try:
        # Asks whether it is closed and, unlike a statement, not whose thread this is.
        return connection.total_changes >= 0
    except sqlite3.ProgrammingError:
        return False


class ConnectionProbe:
    """Counts connections of this process that are open and were not at the start.

    Each one is kept alive until it is seen closed, so that no garbage collection closes a
    forgotten one and hides the leak. Audit hooks cannot be taken back: there is one a process, and
    each open lets go of what has been closed, whether or not a probe asks.
    """

    def __init__(self) -> None:
        """Take what is open now as given."""
        global _is_watching
        if not _is_watching:
            sys.addaudithook(_watch)
            watch_threads()
            _is_watching = True
        self._given = {id(connection) for connection, _ in _open_connections()}

    @property
    def open_count(self) -> int:
        """How many are open."""
        return len(self._extra())

    def findings(self, allowed: int) -> list[str]:
        """Return a sentence if more than ``allowed`` connections are open."""
        extra = self._extra()
        if len(extra) <= allowed:
            return []
        latest = where(extra[-1])
        told = f"{len(extra)} connections are open, {allowed} belong to the store"
        return [f"{told}; the last one was opened by {latest}"]

    def _extra(self) -> list[Frames]:
        return [by for each, by in _open_connections() if id(each) not in self._given]

    def forget(self) -> None:
        """Let go of everything, after a finding was reported."""
        with _lock:
            _opened.clear()


def _open_connections() -> list[tuple[sqlite3.Connection, Frames]]:
    with _lock:
        _forget_closed()
        return list(_opened)


def _forget_closed() -> None:
    _opened[:] = [each for each in _opened if _is_open(each[0])]
