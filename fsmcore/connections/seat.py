"""A lane and the connection that work on it gets: one that stays open, or a fresh one each time."""

from __future__ import annotations

import logging
import sqlite3
from typing import TYPE_CHECKING, Generic, TypeVar

from fsmcore.sqlite import RAISED, describe

if TYPE_CHECKING:
    from fsmcore.connections.file import StoreFile
    from fsmcore.connections.lane import Answer, Lane
    from fsmcore.connections.work import Work

T = TypeVar("T")

_log = logging.getLogger("fsmcore")


class Seat:
    """A lane with a connection that stays open. ``do`` and ``close`` run in its thread."""

    def __init__(self, file: StoreFile, lane: Lane) -> None:
        """Open nothing yet: the first call does."""
        self.lane = lane
        self.native: sqlite3.Connection | None = None
        self._file = file
        lane.last = self.close

    def do(self, work: Work[T]) -> T:
        """Run ``work`` on the connection; one whose transaction cannot be undone is replaced."""
        native = self.native
        if native is None:
            native = self.native = self._file.connect()
        try:
            return work.run(native)
        finally:
            if native.in_transaction:
                self.close()

    def do_afresh(self, work: Work[T]) -> T:
        """Run ``work`` on a connection of its own, which is closed whatever happens."""
        return run_afresh(self._file, work)

    def close(self) -> None:
        """Close the connection, if one is open."""
        native, self.native = self.native, None
        if native is not None:
            close(native)


class OnSeat(Generic[T]):
    """A call for a lane that says what it will do; a simulation reads it before it runs."""

    __slots__ = ("is_afresh", "seat", "work")

    def __init__(self, seat: Seat, work: Work[T], *, is_afresh: bool = False) -> None:
        """``is_afresh`` asks for a connection of its own."""
        self.seat = seat
        self.work = work
        self.is_afresh = is_afresh

    def __call__(self) -> T:
        """Run in the lane's thread."""
        return self.seat.do_afresh(self.work) if self.is_afresh else self.seat.do(self.work)

    def withdraw(self) -> None:
        """Let the work undo what is not committed."""
        self.work.withdraw()

    @property
    def sql(self) -> str:
        """What it will run."""
        return self.work.sql

    @property
    def parameters(self) -> object:
        """What is bound to it."""
        return self.work.parameters

    @property
    def native(self) -> sqlite3.Connection | None:
        """The open connection that it will run on, if there is one yet."""
        return None if self.is_afresh else self.seat.native


def settled(seat: Seat, work: Work[T], *, is_afresh: bool = False) -> Answer[T]:
    """Return what ``work`` will come to, in one hop; see ``Answer`` for who is cancelled then."""
    return seat.lane.submit(OnSeat(seat, work, is_afresh=is_afresh))


def run_afresh(file: StoreFile, work: Work[T]) -> T:
    """Run ``work`` in this thread on a connection of its own, which is closed whatever happens."""
    native = file.connect()
    try:
        return work.run(native)
    finally:
        close(native)


def close(native: sqlite3.Connection) -> None:
    """Close; what SQLite says to that cannot be helped any more."""
    try:
        native.close()
    except RAISED as error:
        _log.warning("close failed: %s", describe(error))
