"""CORRUPT and NOTADB: bytes of the file are overwritten, and put back.

As a connection opens, or before a statement, page 2 (where the first table begins) or the header
is overwritten. The content was checkpointed, so that SQLite reads it from the file and not from the
WAL. Once: it is put back when the next statement comes. Much of it is never read again.

Choices: the descriptor stays open until the connections are closed. Closing one would drop every
lock that this process holds on the file (https://sqlite.org/howtocorrupt.html, 2.2).
"""

from __future__ import annotations

import functools
import os
import sqlite3

from properties.faults.plan import Fault, History, Means, Phase, Repeat, Strike
from properties.faults.struck import of_the_harness

PAGE_SIZE = 4096


class DamageStrike(Strike):
    """Overwrites ``size`` bytes at ``offset``."""

    def __init__(self, fault: Fault, *, offset: int, size: int, what: str) -> None:
        """Touch no file yet."""
        super().__init__(fault)
        self._offset, self._size, self._what = offset, size, what
        self._descriptor: int | None = None
        self._sound = b""
        self._is_damaged = False

    def prepare(self, path: str, _history: History) -> None:
        """Move everything into the file, and keep its sound bytes."""
        with of_the_harness():
            connection = sqlite3.connect(path, isolation_level=None)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        self._descriptor = os.open(path, os.O_RDWR)
        self._sound = os.pread(self._descriptor, self._size, self._offset)
        connection.close()

    def watch(self, connection: sqlite3.Connection) -> None:
        """See it open, and each statement before it runs."""
        self._before("")
        connection.set_trace_callback(self._before)

    def _before(self, _sql: str) -> None:
        if self.fault.repeat is Repeat.ONCE:
            self._mend()
        if self._descriptor is not None and self.is_due(self._what) and not self._is_damaged:
            self._is_damaged = True
            os.pwrite(self._descriptor, b"\xa5" * self._size, self._offset)

    def _mend(self) -> None:
        if self._is_damaged and self._descriptor is not None:
            self._is_damaged = False
            os.pwrite(self._descriptor, self._sound, self._offset)

    def lift(self) -> None:
        """Put the bytes back."""
        self._mend()

    def leave(self) -> None:
        """Close the descriptor."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


def _means(name: str, fault: str, *, offset: int, size: int, what: str) -> Means:
    return Means(
        name=name,
        fault=fault,
        operation="connection opened or statement",
        strike=functools.partial(DamageStrike, offset=offset, size=size, what=what),
        phases=(Phase.ATTEMPT, Phase.OPEN, Phase.ASK),
    )


DAMAGES = (
    _means("damaged-page", "CORRUPT", offset=PAGE_SIZE, size=PAGE_SIZE, what="page 2 is damaged"),
    _means("damaged-header", "NOTADB", offset=0, size=16, what="the header is damaged"),
)
