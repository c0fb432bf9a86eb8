"""What SQLite's paths, codes and errors mean in the words of fsmcore."""

from __future__ import annotations

import os
import pathlib
import sqlite3
from typing import TYPE_CHECKING

from fsmcore.errors import (
    FsmCoreError,
    InvalidKeyError,
    SchemaMismatchError,
    StoreBusyError,
    StoreCorruptError,
    StoreUnavailableError,
)
from fsmcore.text import shown

if TYPE_CHECKING:
    from types import TracebackType

RAISED = (sqlite3.Error, MemoryError, OverflowError, ValueError)
"""What sqlite3 and aiosqlite raise; MemoryError is how NOMEM arrives."""


class ConstraintError(FsmCoreError):
    """A write met a UNIQUE or another constraint; its transaction was rolled back."""


def database_uri(path: str, *, mode: str) -> str:
    """Return the SQLite URI of ``path``: spaces, quotes, ``?``, ``#`` and ``%`` are only data."""
    return f"{pathlib.Path(os.path.abspath(path)).as_uri()}?mode={mode}"


def refuse_unusable(path: str, *, create: bool) -> None:
    """Say what is wrong with a path in better words than SQLite's "unable to open"."""
    name = os.path.basename(path)
    try:
        storable = bool(name) and b"\0" not in os.fsencode(name)  # SQLite cuts a name at its NUL
    except UnicodeEncodeError:
        storable = False
    if not storable:
        raise StoreUnavailableError(f"{shown(name)!r} names no file. Give the path of one.")
    folder = os.path.dirname(os.path.abspath(path))
    if not os.path.isdir(folder):
        raise StoreUnavailableError(f"{shown(name)}: its folder does not exist. Create it first.")
    if os.path.isdir(path):
        raise StoreUnavailableError(f"{shown(name)}: is a folder, not a database file.")
    if not create and not os.path.exists(path):
        raise StoreUnavailableError(
            f"{shown(name)}: does not exist. Open it with create=True to make a new store."
        )


def require_file(path: str) -> None:
    """Raise ``StoreUnavailableError`` for what is no file, with what it is and the path as given.

    For commands, whose user gave the path; a store names files without their folders.
    """
    if os.path.isfile(path):
        return
    if os.path.isdir(path):
        what = "is a folder; name the database file in it"
    elif os.path.exists(path):
        what = "is a device or a pipe, and no database file"
    else:
        what = "no such file"
    raise StoreUnavailableError(f"{shown(path)}: {what}.")


def primary_code(error: BaseException) -> int | None:
    """Return the primary result code of a SQLite error; None when it carries none."""
    code = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF


def _is_denial(error: BaseException) -> bool:
    # SQLITE_AUTH would say so, but while SQLite reads a schema, and for functions, an authorizer's
    # refusal comes with the code of every other mistake: only the words tell it from a layout.
    words = str(error)
    return words.startswith("not authorized") or words.endswith(" is prohibited")


def describe(error: BaseException) -> str:
    """Return one line: type, SQLite's name of the code, message."""
    name = getattr(error, "sqlite_errorname", None)
    return f"{type(error).__name__}{f' {name}' if name else ''}: {error}"


class translated:  # noqa: N801 - used as a function; a generator would cost twice as much
    """Turn what sqlite3 and aiosqlite raise inside the block into the errors of fsmcore."""

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        """Take the store's name, which every message begins with."""
        self._name = name

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """Raise the translation of ``error``, or let it pass."""
        if isinstance(error, RAISED) and not isinstance(error, FsmCoreError):
            raise translate(error, self._name) from error


_BUSY_CODES = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_CORRUPT_CODES = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_DENIED = "An authorizer denies what the store needs; let it through."
_ADVICE = {
    sqlite3.SQLITE_AUTH: _DENIED,
    sqlite3.SQLITE_ERROR: _DENIED,
    sqlite3.SQLITE_READONLY: "The file or its folder is read-only; make both writable.",
    sqlite3.SQLITE_CANTOPEN: "The file cannot be opened; check the folder, rights and descriptors.",
    sqlite3.SQLITE_FULL: "The disk or the page limit is full; make room and try again.",
    sqlite3.SQLITE_IOERR: "The file system failed; look at the disk before trying again.",
}


def translate(error: BaseException, name: str) -> FsmCoreError:
    """Return the fsmcore error for what sqlite3 or aiosqlite raised before COMMIT was sent."""
    name, what, code = shown(name), describe(error), primary_code(error)
    if code in _BUSY_CODES:
        return StoreBusyError(
            f"{name}: busy ({what}): another connection holds the lock. Nothing was written; "
            "retry, or find the writer that does not let go."
        )
    if code in _CORRUPT_CODES:
        return StoreCorruptError(
            f"{name}: not a database, or damaged ({what}). Restore it from a backup."
        )
    if code == sqlite3.SQLITE_CONSTRAINT:
        return ConstraintError(f"{name}: {what}")
    if code == sqlite3.SQLITE_ERROR and not _is_denial(error):
        return SchemaMismatchError(f"{name}: the layout does not fit the schema ({what}).")
    if isinstance(error, sqlite3.DataError | OverflowError | UnicodeError):
        return InvalidKeyError(f"{name}: SQLite cannot hold this value ({what}).")
    if isinstance(error, sqlite3.OperationalError) and code is None:
        return StoreCorruptError(f"{name}: a row cannot be read ({what}).")
    advice = _ADVICE.get(code or 0, "The store cannot be used now.")
    return StoreUnavailableError(f"{name}: {what}. Nothing was written. {advice}")
