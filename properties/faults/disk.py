"""IOERR, FULL, CANTOPEN and BUSY as the file system gives them: one kind of file operation each.

The operations are SQLite's own on the real files, seen and failed by the shim of
``properties.faults.vfs``. Not all reach the caller: SQLite absorbs a short read as it opens, an
error while it deletes the WAL, and everything inside an automatic checkpoint. Its waiting takes no
time: a lock that stays busy makes it sleep for seconds, and then answer PROTOCOL.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable

from properties.faults.operations import Decision, Kind, Operation, Shorten
from properties.faults.plan import Fault, Means, Phase, Strike
from properties.faults.sqlite_abi import VfsUnsupportedError
from properties.faults.vfs import Shim, require_vfs

SQLITE_SHM_UNLOCK = 1

Decide = Callable[[Operation], Decision]


class DiskStrike(Strike):
    """Answers the Nth operation of a kind with what ``decide`` says."""

    def __init__(self, fault: Fault, *, kind: Kind, decide: Decide) -> None:
        """Hook nothing yet."""
        super().__init__(fault)
        self._kind = kind
        self._decide = decide

    def around(self, folder: str) -> contextlib.AbstractContextManager[object]:
        """See every file below ``folder`` from its opening on."""
        kinds = frozenset({self._kind, Kind.SLEEP})
        return Shim(folder, plan=self._plan, kinds=kinds, virtual_sleep=True)

    def _plan(self, operation: Operation) -> Decision:
        if operation.kind is not self._kind or _is_unlock(operation):
            return None
        return self._decide(operation) if self.is_due(_told(operation)) else None


def _is_unlock(operation: Operation) -> bool:
    """No system fails to give a lock back, and SQLite does not look at what it answers."""
    return operation.kind is Kind.SHM_LOCK and bool(operation.flags & SQLITE_SHM_UNLOCK)


def _told(operation: Operation) -> str:
    return f"{operation.kind.value} of the {operation.role.value}"


def _half(operation: Operation) -> Decision:
    return Shorten(operation.size // 2)


def why_no_vfs() -> str | None:
    """Say why the shim does not work on this host, or None."""
    try:
        require_vfs()
    except VfsUnsupportedError as error:
        return str(error)
    return None


def _means(name: str, fault: str, kind: Kind, decision: int | Decide) -> Means:
    decide = (lambda _operation: decision) if isinstance(decision, int) else decision
    return Means(
        name=name,
        fault=fault,
        operation=f"{kind.value} of a file",
        strike=functools.partial(DiskStrike, kind=kind, decide=decide),
        why_not=why_no_vfs,
        phases=(Phase.OPEN, Phase.ATTEMPT, Phase.ASK, Phase.CLOSE),
    )


DISKS = (
    _means("disk-open", "CANTOPEN", Kind.OPEN, 14),
    _means("disk-read", "IOERR_READ", Kind.READ, 266),
    _means("disk-short-read", "IOERR_SHORT_READ", Kind.READ, _half),
    _means("disk-write", "IOERR_WRITE", Kind.WRITE, 778),
    _means("disk-torn-write", "IOERR_WRITE", Kind.WRITE, _half),
    _means("disk-full", "FULL", Kind.WRITE, 13),
    # No file system answers so; it is how a connection that stays open meets what `query-only` and
    # `mode-ro` give to a new one.
    _means("disk-read-only", "READONLY", Kind.WRITE, 8),
    _means("disk-sync", "IOERR_FSYNC", Kind.SYNC, 1034),
    _means("disk-truncate", "IOERR_TRUNCATE", Kind.TRUNCATE, 1546),
    _means("disk-size", "IOERR_FSTAT", Kind.FILE_SIZE, 1802),
    _means("disk-lock", "IOERR_LOCK", Kind.LOCK, 3850),
    _means("disk-lock-busy", "BUSY", Kind.LOCK, 5),
    _means("disk-shm-map", "IOERR_SHMMAP", Kind.SHM_MAP, 5386),
    _means("disk-shm-lock", "IOERR_SHMLOCK", Kind.SHM_LOCK, 5130),
    _means("disk-shm-busy", "BUSY_RECOVERY", Kind.SHM_LOCK, 261),
    _means("disk-delete", "IOERR_DELETE", Kind.DELETE, 2570),
    _means("disk-access", "IOERR_ACCESS", Kind.ACCESS, 3338),
)
