"""What is done on a native connection in one hop to its thread, from its beginning to its end.

A transaction that is sent statement by statement can be cut off between any two of them. Sent
whole, it is either not begun, or it has ended by the time anybody hears of it: so whoever waits for
the hop knows what became of it, even when he was cancelled meanwhile.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from fsmcore.connections.model import (
    CommitFailedError,
    CommitFate,
    Receipt,
    Row,
    RowCountError,
    Write,
)
from fsmcore.sqlite import RAISED, describe, primary_code, translate, translated

if TYPE_CHECKING:
    from collections.abc import Sequence

_log = logging.getLogger("fsmcore")

T_co = TypeVar("T_co", covariant=True)

BEGIN = "BEGIN IMMEDIATE"
COMMIT = "COMMIT"
ROLLBACK = "ROLLBACK"


class Work(Protocol, Generic[T_co]):
    """Something to run on a native connection, in its thread. Raises errors of fsmcore."""

    @property
    def sql(self) -> str:
        """What it will run, for people."""
        ...

    @property
    def parameters(self) -> object:
        """What is bound to it, for people."""
        ...

    def run(self, native: sqlite3.Connection) -> T_co:
        """Run to the end; no transaction and no cursor is left open."""
        ...

    def withdraw(self) -> None:
        """Say, from any thread, that nobody wants it any more: undo what is not committed."""
        ...


class Reading:
    """One SELECT or PRAGMA, fetched to its end."""

    __slots__ = ("name", "parameters", "statement")

    def __init__(self, name: str, statement: str, parameters: Sequence[object]) -> None:
        """Take the store's name for errors."""
        self.name = name
        self.statement = statement
        self.parameters = parameters

    @property
    def sql(self) -> str:
        """The statement."""
        return self.statement

    def run(self, native: sqlite3.Connection) -> list[Row]:
        """Return every row."""
        with translated(self.name):
            return native.execute(self.statement, self.parameters).fetchall()

    def withdraw(self) -> None:
        """Do nothing: a read leaves nothing to undo."""


class ExclusiveReading(Reading):
    """One SELECT while nobody can be writing."""

    __slots__ = ()

    @property
    def sql(self) -> str:
        """All statements."""
        return f"{BEGIN}; {self.statement}; {ROLLBACK}"

    def run(self, native: sqlite3.Connection) -> list[Row]:
        """Return every row, read under the write lock."""
        try:
            with translated(self.name):
                native.execute(BEGIN)
                rows: list[Row] = native.execute(self.statement, self.parameters).fetchall()
        finally:
            roll_back(native)
        return rows


class Transaction:
    """``BEGIN IMMEDIATE``, the writes with their row counts, ``COMMIT``: all of it or nothing."""

    __slots__ = ("is_withdrawn", "name", "receipt", "writes")

    def __init__(self, name: str, writes: Sequence[Write], receipt: Receipt) -> None:
        """Take the store's name for errors; ``receipt`` is written in the connection's thread."""
        self.name = name
        self.writes = writes
        self.receipt = receipt
        self.is_withdrawn = False

    @property
    def sql(self) -> str:
        """All statements."""
        return "; ".join([BEGIN, *(write.sql for write in self.writes), COMMIT])

    @property
    def parameters(self) -> object:
        """What is bound, statement by statement."""
        return tuple(write.parameters for write in self.writes)

    def run(self, native: sqlite3.Connection) -> None:
        """Commit, or undo everything and raise; withdrawn before COMMIT it undoes and returns."""
        try:
            if self.is_withdrawn:
                return
            with contextlib.closing(native.cursor()) as cursor:
                with translated(self.name):
                    cursor.execute(BEGIN)
                    self.write(cursor)
                if not self.is_withdrawn:
                    commit(cursor, self.name, (self.receipt,))
                    return
            roll_back(native)
        except BaseException:
            # A BEGIN that failed or was interrupted can leave a transaction open.
            roll_back(native)
            raise

    def write(self, cursor: sqlite3.Cursor) -> None:
        """Run the writes inside a transaction that somebody has begun.

        On one cursor: a connection that stays open keeps a weak reference to each it ever made, and
        goes through them at every two hundredth. It is closed before anything is rolled back, or
        its unfinished statement would keep the write lock.
        """
        for index, write in enumerate(self.writes):
            row_count = cursor.execute(write.sql, write.parameters).rowcount
            if row_count != write.row_count:
                raise RowCountError(index, row_count)

    def withdraw(self) -> None:
        """Let it roll back unless COMMIT is out."""
        self.is_withdrawn = True


def commit(cursor: sqlite3.Cursor, name: str, receipts: Sequence[Receipt]) -> None:
    """Send COMMIT and write down what is known of it.

    BUSY is definite, because SQLite keeps the transaction: roll it back. Any other error is
    unknown, whatever SQLite says of the transaction by now.
    """
    for receipt in receipts:
        receipt.fate = CommitFate.SENT
    try:
        cursor.execute(COMMIT)
    except RAISED as error:
        if primary_code(error) == sqlite3.SQLITE_BUSY:
            for receipt in receipts:
                receipt.fate = CommitFate.NOT_SENT
            raise translate(error, name) from error
        raise CommitFailedError(name, describe(error)) from error
    for receipt in receipts:
        receipt.fate = CommitFate.COMMITTED


def roll_back(native: sqlite3.Connection) -> None:
    """Undo an open transaction; without one, do nothing. Call it in the connection's thread.

    SQLite may have rolled back by itself already. What stays open all the same is told by
    ``in_transaction``, and such a connection is not used again.
    """
    try:
        native.rollback()
    except RAISED as error:
        _log.warning("rollback failed: %s", describe(error))
