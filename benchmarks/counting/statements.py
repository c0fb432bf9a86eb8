"""What SQLite is asked to do: connects, statements, VDBE steps and refusals, on every connection.

Every connection that ``sqlite3.connect`` makes inside the block is of a class of ours below the
one that was asked for, so that what it does while it is being made is counted too. A statement
counts when it starts (``sqlite3_trace_v2``), a step when the virtual machine takes it: with a
progress handler for each, SQLite reports them one by one (https://sqlite.org/c3ref/progress_handler.html).
"""

from __future__ import annotations

import functools
import sqlite3
from collections import Counter
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

PRIMARY_CODE = 0xFF

_counts: Counter[str] = Counter()
"""Of the block that is open: a connection has no other way to find it. One at a time."""


def _note_statement(_sql: str) -> None:
    _counts["statement_count"] += 1


def _note_step() -> int:
    _counts["vdbe_step_count"] += 1
    return 0


def _refused(error: sqlite3.Error) -> None:
    code = getattr(error, "sqlite_errorcode", 0)
    if code == sqlite3.SQLITE_BUSY_SNAPSHOT:
        _counts["busy_snapshot_count"] += 1
    elif code & PRIMARY_CODE == sqlite3.SQLITE_BUSY:
        _counts["sqlite_busy_count"] += 1


def _counting(name: str) -> Callable[..., Any]:
    original = getattr(sqlite3.Cursor, name)

    @functools.wraps(original)
    def method(cursor: sqlite3.Cursor, *arguments: Any, **options: Any) -> Any:
        try:
            return original(cursor, *arguments, **options)
        except sqlite3.Error as error:
            _refused(error)
            raise

    return method


class _Cursor(sqlite3.Cursor):
    """Notes what was refused."""

    execute = _counting("execute")
    executemany = _counting("executemany")
    executescript = _counting("executescript")


class _Counted(sqlite3.Connection):
    """Counts from before its first statement on."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        _counts["connect_count"] += 1
        self.set_trace_callback(_note_statement)
        self.set_progress_handler(_note_step, 1)

    def cursor(self, factory: Any = _Cursor) -> Any:
        return super().cursor(factory)

    def execute(self, *arguments: Any) -> sqlite3.Cursor:
        return self.cursor().execute(*arguments)  # type: ignore[no-any-return]

    def executemany(self, *arguments: Any) -> sqlite3.Cursor:
        return self.cursor().executemany(*arguments)  # type: ignore[no-any-return]

    def commit(self) -> None:
        try:
            super().commit()
        except sqlite3.Error as error:
            _refused(error)
            raise


@functools.cache
def _below(asked: type[sqlite3.Connection]) -> type[sqlite3.Connection]:
    """Return a class that is what was asked for, with the counters at the very bottom."""
    if issubclass(_Counted, asked):
        return _Counted
    return type(f"Counted{asked.__name__}", (asked, _Counted), {})


class Statements:
    """Counts what is done on connections that are opened inside the block."""

    def __enter__(self) -> Self:
        """Count from here; whatever else stands in for ``sqlite3.connect`` is called."""
        self.reset()
        self._connect = connect = sqlite3.connect

        def counted(*arguments: Any, factory: type | None = None, **options: Any) -> Any:
            made = _below(factory if factory is not None else sqlite3.Connection)
            return connect(*arguments, factory=made, **options)

        sqlite3.connect = counted
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Put the connect back that was there."""
        sqlite3.connect = self._connect

    def reset(self) -> None:
        """Begin again at 0."""
        _counts.clear()

    def read(self) -> dict[str, int]:
        """Return the counts by name."""
        names = ("connect_count", "statement_count", "vdbe_step_count")
        return {
            name: _counts[name] for name in (*names, "sqlite_busy_count", "busy_snapshot_count")
        }
