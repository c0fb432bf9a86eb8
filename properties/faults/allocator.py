"""SQLite's memory, asked for through us: it can be refused. Installed before SQLite starts.

Source: https://sqlite.org/c3ref/mem_methods.html. ``sqlite3_config`` works only before
``sqlite3_initialize``, which CPython calls when it imports ``sqlite3``: so this module imports
nothing that does, and ``install`` is called in a fresh process, first of all.

Choices: statistics are switched off. With them SQLite holds a mutex of the whole process while it
asks for memory, and we would wait there for Python's lock, whose owner may wait for that mutex.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable

CONFIG_MALLOC, CONFIG_GETMALLOC, CONFIG_MEMSTATUS = 4, 5, 9
LIBRARIES = ("libsqlite3.so.0", "libsqlite3.so", "libsqlite3.dylib")
_MALLOC = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_int)
_REALLOC = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int)


class _Methods(ctypes.Structure):
    _fields_ = (
        ("xMalloc", ctypes.c_void_p),
        ("xFree", ctypes.c_void_p),
        ("xRealloc", ctypes.c_void_p),
        ("xSize", ctypes.c_void_p),
        ("xRoundup", ctypes.c_void_p),
        ("xInit", ctypes.c_void_p),
        ("xShutdown", ctypes.c_void_p),
        ("pAppData", ctypes.c_void_p),
    )


refuses: Callable[[], bool] | None = None
"""Asked at each allocation, in any thread; True makes it fail."""
asked_count = 0
_kept: list[object] = []


def install() -> str | None:
    """Stand between SQLite and its memory; return why that is not possible here, or None."""
    library = _library()
    if library is None:
        return f"none of {', '.join(LIBRARIES)} can be loaded with sqlite3_config in it"
    methods = _Methods()
    codes = [
        library.sqlite3_config(CONFIG_MEMSTATUS, 0),
        library.sqlite3_config(CONFIG_GETMALLOC, ctypes.byref(methods)),
    ]
    malloc, realloc = _MALLOC(methods.xMalloc), _REALLOC(methods.xRealloc)
    # What a callback returns is a number, so the original is called for its address.
    ours = (
        _MALLOC(lambda size: None if _is_refused() else malloc(size)),
        _REALLOC(lambda block, size: None if _is_refused() else realloc(block, size)),
    )
    methods.xMalloc = ctypes.cast(ours[0], ctypes.c_void_p).value
    methods.xRealloc = ctypes.cast(ours[1], ctypes.c_void_p).value
    _kept.extend((methods, malloc, realloc, ours))  # for ever: SQLite calls them to the very end
    codes.append(library.sqlite3_config(CONFIG_MALLOC, ctypes.byref(methods)))
    if any(codes):
        return f"sqlite3_config answered {codes}: SQLite has started already"
    return None


def why_not_used() -> str | None:
    """Return why the ``sqlite3`` of this process does not ask us, or None if it does."""
    import sqlite3  # late: see above

    before = asked_count
    sqlite3.connect(":memory:").close()
    return None if asked_count > before else "sqlite3 is linked with another copy of SQLite"


def _is_refused() -> bool:
    global asked_count
    asked_count += 1
    return refuses is not None and refuses()


def _library() -> ctypes.CDLL | None:
    for name in LIBRARIES:
        try:
            library = ctypes.CDLL(name, mode=ctypes.RTLD_GLOBAL)
        except OSError:
            continue
        if hasattr(library, "sqlite3_config"):
            return library
    return None
