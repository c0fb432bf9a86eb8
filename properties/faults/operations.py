"""One operation of SQLite on the file system, and what may be decided about it."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass


class Kind(enum.Enum):
    """What SQLite asks of its VFS."""

    OPEN = "open"
    CLOSE = "close"
    READ = "read"
    WRITE = "write"
    TRUNCATE = "truncate"
    SYNC = "sync"
    FILE_SIZE = "file size"
    LOCK = "lock"
    UNLOCK = "unlock"
    SHM_MAP = "shm map"
    SHM_LOCK = "shm lock"
    SHM_UNMAP = "shm unmap"
    DELETE = "delete"
    ACCESS = "access"
    SLEEP = "sleep"


class Role(enum.Enum):
    """Whose operation it is. FOLDER is the directory that holds the files."""

    DATABASE = "database"
    WAL = "wal"
    SHM = "shm"
    JOURNAL = "journal"
    FOLDER = "folder"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One call of SQLite, as it is about to be made.

    ``index`` counts from 1 over the whole life of the shim. ``handle`` numbers the open file (0:
    none), ``name`` is the file's base name. ``offset`` and ``size`` are bytes for reads, writes and
    truncations (``size`` is the new length); slot and number for ``SHM_LOCK``; page and page size
    for ``SHM_MAP``; microseconds in ``size`` for ``SLEEP``. ``flags`` are SQLite's own: of xOpen,
    xSync, xShmLock, xAccess, the level of xLock and xUnlock, syncDir of xDelete. ``content`` is
    there for writes of a shim that was made with ``keeps_content``.
    """

    index: int
    kind: Kind
    role: Role
    name: str
    handle: int = 0
    offset: int = 0
    size: int = 0
    flags: int = 0
    content: bytes | None = None

    def __str__(self) -> str:
        """Return one line."""
        where = f" at {self.offset}" if self.kind in (Kind.READ, Kind.WRITE) else ""
        size = f", {self.size} bytes" if self.kind in (Kind.READ, Kind.WRITE, Kind.TRUNCATE) else ""
        return f"{self.index}. {self.kind.value} {self.role.value}{where}{size}"


@dataclass(frozen=True, slots=True)
class Fail:
    """Answer SQLite with ``code``. ``done`` carries the operation out all the same."""

    code: int
    done: bool = False


@dataclass(frozen=True, slots=True)
class Shorten:
    """Read or write only the first ``size`` bytes.

    A read then has zeros behind them and answers IOERR_SHORT_READ, which is what a file that ends
    there would give; a write answers ``code``.
    """

    size: int
    code: int = 778


@dataclass(frozen=True, slots=True)
class Pretend:
    """Answer OK and do nothing: a disk that lies."""


Decision = int | Fail | Shorten | Pretend | None
"""None: go on. A bare code is ``Fail(code)``."""

Plan = Callable[[Operation], Decision]
"""Decides before an operation, in the thread that makes it, one at a time; must not wait."""


@dataclass(frozen=True, slots=True)
class Result:
    """What came of an operation: SQLite's code, and whether the file system really did it."""

    code: int
    done: bool


Observer = Callable[[Operation, Result], None]
"""Told after an operation, in the thread that made it, one at a time; must not wait."""
