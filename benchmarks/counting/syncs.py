"""How often SQLite asks for the disk, and for what: commits, and what checkpoints cost, apart.

The laws' shim sees each sync. A checkpoint holds SQLite's checkpoint lock (slot 1 of the shared
memory, https://sqlite.org/walformat.html#wal_locks) from beginning to end, so a sync that happens
while a connection of that file holds it is the checkpoint's. The first commit after one starts the
WAL anew, and syncs the new header before anything else: that is the checkpoint's price as well, and
is counted apart. Any other sync is a commit's own.

Why a fresh connection syncs twice under FULL: the first time a connection syncs a WAL that it
opened with ``SQLITE_OPEN_CREATE``, which is how SQLite opens every WAL, unix's VFS also syncs the
folder, so that the file's name is as durable as its content (``UNIXFILE_DIRSYNC`` in os_unix.c).
A kept connection pays for that once.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import Self

from properties.faults.operations import Kind, Operation, Result, Role
from properties.faults.vfs import Shim

CHECKPOINT_SLOT = 1
UNLOCK = 1
"""SQLITE_SHM_UNLOCK, one of the flags of xShmLock."""

WAL_HEADER_BYTES = 32

KINDS = frozenset({Kind.SYNC, Kind.SHM_LOCK, Kind.WRITE})


class Syncs:
    """Counts syncs below a folder; raises ``VfsUnsupportedError`` where no shim can be."""

    def __init__(self, folder: Path) -> None:
        """Hook nothing yet."""
        self._counts: Counter[str] = Counter()
        self._checkpointing: set[int] = set()
        self._starting: set[int] = set()
        self._shim = Shim(folder, observer=self._note, kinds=KINDS)

    def __enter__(self) -> Self:
        """Count from here."""
        self._shim.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let everything through."""
        self._shim.__exit__(kind, error, trace)

    def reset(self) -> None:
        """Begin again at 0."""
        self._counts.clear()

    def read(self) -> dict[str, int]:
        """Return the counts by name; ``fsync_count`` is what commits asked for, all told."""
        found = {
            name: self._counts[name]
            for name in (
                *("wal_sync_count", "folder_sync_count"),
                *("checkpoint_sync_count", "wal_start_sync_count"),
            )
        }
        found["checkpoint_count"] = self._counts["checkpoint_count"]
        return {"fsync_count": found["wal_sync_count"] + found["folder_sync_count"], **found}

    def _note(self, operation: Operation, result: Result) -> None:
        if not result.done:
            return
        if operation.kind is Kind.SYNC:
            self._note_sync(operation)
        elif operation.kind is Kind.WRITE:
            if operation.role is Role.WAL and operation.size == WAL_HEADER_BYTES:
                if operation.offset == 0:
                    self._starting.add(operation.handle)
        elif operation.offset <= CHECKPOINT_SLOT < operation.offset + operation.size:
            if operation.flags & UNLOCK:
                self._checkpointing.discard(operation.handle)
            else:
                self._checkpointing.add(operation.handle)

    def _note_sync(self, operation: Operation) -> None:
        # The folder's sync is made inside another one, and is told first.
        if self._checkpointing:
            name = "checkpoint_sync_count"
            self._counts["checkpoint_count"] += operation.role is Role.DATABASE
        elif self._starting:
            name = "wal_start_sync_count"
            self._starting.discard(operation.handle)
        else:
            name = "folder_sync_count" if operation.role is Role.FOLDER else "wal_sync_count"
        self._counts[name] += 1
