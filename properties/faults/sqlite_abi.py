"""SQLite's file interface as C lays it out, and how to find it from a ``sqlite3.Connection``.

Sources: https://sqlite.org/c3ref/vfs.html and https://sqlite.org/c3ref/io_methods.html, whose
fields never move (new ones are added at the end, told by ``iVersion``). Two facts are not in any
manual: the ``sqlite3*`` is the first field of a ``sqlite3.Connection`` after the object header, and
the ``sqlite3_vfs*`` the first field of a ``sqlite3``. Both are checked before they are believed.
"""

from __future__ import annotations

import ctypes
import os
import sqlite3
import sys
from ctypes import CFUNCTYPE, POINTER, Structure, c_char_p, c_int, c_int64, c_void_p

MAPS = "/proc/self/maps"
HEADER_SIZE = object.__basicsize__


class VfsUnsupportedError(Exception):
    """The shim does not work on this host; the message says why. A law without it is not green."""


# The first argument of every method is the file or the VFS.
X_CLOSE = CFUNCTYPE(c_int, c_void_p)
X_READ = CFUNCTYPE(c_int, c_void_p, c_void_p, c_int, c_int64)
X_WRITE = X_READ
X_TRUNCATE = CFUNCTYPE(c_int, c_void_p, c_int64)
X_SYNC = CFUNCTYPE(c_int, c_void_p, c_int)
X_FILE_SIZE = CFUNCTYPE(c_int, c_void_p, POINTER(c_int64))
X_LOCK = CFUNCTYPE(c_int, c_void_p, c_int)
X_SHM_MAP = CFUNCTYPE(c_int, c_void_p, c_int, c_int, c_int, POINTER(c_void_p))
X_SHM_LOCK = CFUNCTYPE(c_int, c_void_p, c_int, c_int, c_int)
X_SHM_UNMAP = CFUNCTYPE(c_int, c_void_p, c_int)
X_OPEN = CFUNCTYPE(c_int, c_void_p, c_void_p, c_void_p, c_int, POINTER(c_int))
X_DELETE = CFUNCTYPE(c_int, c_void_p, c_char_p, c_int)
X_ACCESS = CFUNCTYPE(c_int, c_void_p, c_char_p, c_int, POINTER(c_int))
X_SLEEP = CFUNCTYPE(c_int, c_void_p, c_int)
X_SET_SYSTEM_CALL = CFUNCTYPE(c_int, c_void_p, c_char_p, c_void_p)
X_GET_SYSTEM_CALL = CFUNCTYPE(c_void_p, c_void_p, c_char_p)
OPEN_DIRECTORY = CFUNCTYPE(c_int, c_char_p, POINTER(c_int))


class IoMethods(Structure):
    """``sqlite3_io_methods``: what can be done with an open file."""

    _fields_ = (
        ("iVersion", c_int),
        ("xClose", c_void_p),
        ("xRead", c_void_p),
        ("xWrite", c_void_p),
        ("xTruncate", c_void_p),
        ("xSync", c_void_p),
        ("xFileSize", c_void_p),
        ("xLock", c_void_p),
        ("xUnlock", c_void_p),
        ("xCheckReservedLock", c_void_p),
        ("xFileControl", c_void_p),
        ("xSectorSize", c_void_p),
        ("xDeviceCharacteristics", c_void_p),
        ("xShmMap", c_void_p),
        ("xShmLock", c_void_p),
        ("xShmBarrier", c_void_p),
        ("xShmUnmap", c_void_p),
        ("xFetch", c_void_p),
        ("xUnfetch", c_void_p),
    )


class File(Structure):
    """``sqlite3_file``: an open file begins with its methods."""

    _fields_ = (("pMethods", POINTER(IoMethods)),)


class Vfs(Structure):
    """``sqlite3_vfs``: what can be done with names, and with time."""

    _fields_ = (
        ("iVersion", c_int),
        ("szOsFile", c_int),
        ("mxPathname", c_int),
        ("pNext", c_void_p),
        ("zName", c_char_p),
        ("pAppData", c_void_p),
        ("xOpen", c_void_p),
        ("xDelete", c_void_p),
        ("xAccess", c_void_p),
        ("xFullPathname", c_void_p),
        ("xDlOpen", c_void_p),
        ("xDlError", c_void_p),
        ("xDlSym", c_void_p),
        ("xDlClose", c_void_p),
        ("xRandomness", c_void_p),
        ("xSleep", c_void_p),
        ("xCurrentTime", c_void_p),
        ("xGetLastError", c_void_p),
        ("xCurrentTimeInt64", c_void_p),
        ("xSetSystemCall", c_void_p),
        ("xGetSystemCall", c_void_p),
        ("xNextSystemCall", c_void_p),
    )


def default_vfs() -> Vfs:
    """Return this process's default VFS, in place. Raises ``VfsUnsupportedError``.

    Every pointer is looked up among the mapped pages before it is followed: a wrong guess about
    the layout must be a sentence, not a crash.
    """
    if hasattr(sys, "gettotalrefcount") or not getattr(sys, "_is_gil_enabled", lambda: True)():
        raise VfsUnsupportedError("this Python has another object header (debug or no GIL).")
    memory = _Memory()
    connection = sqlite3.connect(":memory:")
    try:
        database = memory.pointer_at(id(connection) + HEADER_SIZE, "sqlite3*")
        address = memory.pointer_at(database, "sqlite3_vfs*")
        memory.require(address, ctypes.sizeof(Vfs), "sqlite3_vfs", writable=True)
        vfs = Vfs.from_address(address)
        name_address = c_void_p.from_address(address + Vfs.zName.offset).value or 0
        memory.require(name_address, len(b"unix-excl"), "the name of the VFS")
        plausible = 2 <= vfs.iVersion <= 9 and 8 <= vfs.szOsFile <= 1 << 16
        if not plausible or not (vfs.zName or b"").startswith(b"unix"):
            raise VfsUnsupportedError(
                f"the default VFS looks unlike SQLite's unix one (version {vfs.iVersion}, "
                f"{vfs.szOsFile} bytes a file)."
            )
        for method in ("xOpen", "xDelete", "xAccess", "xSleep"):
            memory.require(getattr(vfs, method) or 0, 1, method)
        return vfs
    finally:
        connection.close()


class _Memory:
    """The pages that this process has mapped."""

    def __init__(self) -> None:
        if not os.path.exists(MAPS):
            raise VfsUnsupportedError(f"without {MAPS} no pointer can be checked.")
        self._spans: list[tuple[int, int, str]] = []
        with open(MAPS, encoding="utf-8", errors="replace") as lines:
            for line in lines:
                span, rights = line.split(maxsplit=2)[:2]
                begin, _, end = span.partition("-")
                self._spans.append((int(begin, 16), int(end, 16), rights))

    def require(self, address: int, size: int, what: str, *, writable: bool = False) -> None:
        for begin, end, rights in self._spans:
            if begin <= address and address + size <= end and rights[0] == "r":
                if not writable or rights[1] == "w":
                    return
        raise VfsUnsupportedError(f"no {what} where this build of sqlite3 should have it.")

    def pointer_at(self, address: int, what: str) -> int:
        self.require(address, ctypes.sizeof(c_void_p), what)
        value = c_void_p.from_address(address).value or 0
        self.require(value, ctypes.sizeof(c_void_p), what)
        return value
