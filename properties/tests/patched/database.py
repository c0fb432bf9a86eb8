"""sqlite3 with one thing broken: connections of a class of its own."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Sequence
from typing import Any

import pytest

Patch = Callable[[pytest.MonkeyPatch], None]

_connect = sqlite3.connect


def opened_as(kind: type[sqlite3.Connection], **forced: Any) -> Patch:
    """Return a patch that makes every connection one of this class, with these options."""

    def patch(monkeypatch: pytest.MonkeyPatch) -> None:
        def connect(*arguments: Any, **options: Any) -> sqlite3.Connection:
            made: sqlite3.Connection = _connect(
                *arguments, **{"factory": kind, **options, "check_same_thread": False, **forced}
            )
            return made

        monkeypatch.setattr(sqlite3, "connect", connect)

    return patch


class Executing(sqlite3.Connection):
    """Lets a subclass stand around each statement."""

    def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> Any:  # type: ignore[override]
        """Run it as it is."""
        return super().execute(sql, parameters)


class BeginsAllTheSame(Executing):
    """A BEGIN IMMEDIATE that is busy leaves a transaction behind."""

    def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> Any:  # type: ignore[override]
        """Begin a deferred one, and raise."""
        try:
            return super().execute(sql, parameters)
        except sqlite3.OperationalError:
            if sql == "BEGIN IMMEDIATE" and not self.in_transaction:
                super().execute("BEGIN")
            raise


class ForgetsABusyCommit(Executing):
    """A COMMIT that is busy undoes what was written, and stays in a transaction."""

    def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> Any:  # type: ignore[override]
        """Undo, begin anew, and raise."""
        try:
            return super().execute(sql, parameters)
        except sqlite3.OperationalError:
            if sql == "COMMIT" and self.in_transaction:
                self.rollback()
                super().execute("BEGIN")
            raise


class UndoesAllAtAConstraint(Executing):
    """ON CONFLICT ROLLBACK, everywhere."""

    def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> Any:  # type: ignore[override]
        """Roll back, and raise."""
        try:
            return super().execute(sql, parameters)
        except sqlite3.IntegrityError:
            self.rollback()
            raise


class ReadsOnce(Executing):
    """Answers a SELECT that was asked before with the same rows."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        """Remember nothing yet."""
        super().__init__(*arguments, **options)
        self._rows: dict[str, list[Any]] = {}

    def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> Any:  # type: ignore[override]
        """Look into what is remembered first."""
        if not sql.startswith("SELECT"):
            return super().execute(sql, parameters)
        if sql not in self._rows:
            self._rows[sql] = super().execute(sql, parameters).fetchall()
        cursor = super().execute("VALUES (?)", self._rows[sql][0])
        return cursor if len(self._rows[sql]) == 1 else super().execute(sql, parameters)


class _CountsGenerously(sqlite3.Cursor):
    @property
    def rowcount(self) -> int:
        """At least one."""
        return max(1, super().rowcount)


class CountsGenerously(Executing):
    """A statement that met no row says that it met one."""

    def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> Any:  # type: ignore[override]
        """Run it on a cursor that counts so."""
        return self.cursor(_CountsGenerously).execute(sql, parameters)


class NamesItsRows(sqlite3.Connection):
    """Has a row factory that nobody asked for."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        """Set it."""
        super().__init__(*arguments, **options)
        self.row_factory = sqlite3.Row


class WaitsLess(Executing):
    """Opens with another ``synchronous`` than SQLite's own."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        """Set it."""
        super().__init__(*arguments, **options)
        self.execute("PRAGMA synchronous=NORMAL")


class StaysOpen(sqlite3.Connection):
    """close() returns, and the connection is open; ``close_all`` tidies up after the test."""

    left: list[StaysOpen] = []  # noqa: RUF012 - one list for all, on purpose

    def close(self) -> None:
        """Do nothing."""
        self.left.append(self)


def close_all() -> None:
    """Close what stayed open."""
    while StaysOpen.left:
        with contextlib.suppress(sqlite3.Error):
            sqlite3.Connection.close(StaysOpen.left.pop())
