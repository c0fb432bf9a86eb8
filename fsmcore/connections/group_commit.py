"""Transactions that wait for the writer are committed together, and each is told its own outcome.

While one group is in SQLite the next one gathers, so a group is as large as the writer is slow. A
COMMIT costs about the same for one member and for thirty. Reads gather too: to find the newest
snapshot costs more than to read a row of it.

Members are written one after another inside one transaction. A member whose compare-and-set meets
no row has written nothing, so it fails alone. Any other failure may have left half of its member
behind: then all is rolled back, and each member gets a transaction of its own. No SAVEPOINT is
needed, which each member would pay for and hardly any would use.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from fsmcore.connections.lane import Answer, MakeLane, answer_to
from fsmcore.connections.model import CommitFailedError, Receipt, Row, RowCountError, Write
from fsmcore.connections.seat import Seat, settled
from fsmcore.connections.threaded import Crew, Threaded
from fsmcore.connections.work import (
    BEGIN,
    COMMIT,
    ROLLBACK,
    Reading,
    Transaction,
    Work,
    commit,
    roll_back,
)
from fsmcore.errors import FsmCoreError, StoreBusyError
from fsmcore.sqlite import translated

if TYPE_CHECKING:
    from fsmcore.connections.file import StoreFile

MEMBERS_AT_MOST = 128
"""Keeps a group short, for whoever else wants the write lock."""

BEGIN_LOOK = "BEGIN"

Answers = list[object]
"""For each member what it came to, or the error that it met."""
W = TypeVar("W", bound="Work[Any]")


class _Apart(Exception):  # noqa: N818 - a turn of the work, not an error that anybody sees
    """A member failed after it may have written."""


class Group:
    """One transaction of many members. As ``Work``, it returns one answer a member."""

    __slots__ = ("members", "name")

    def __init__(self, name: str, members: Sequence[Transaction]) -> None:
        """Take the store's name for errors."""
        self.name = name
        self.members = members

    @property
    def sql(self) -> str:
        """All statements of all members."""
        writes = [write.sql for member in self.members for write in member.writes]
        return "; ".join([BEGIN, *writes, COMMIT])

    @property
    def parameters(self) -> object:
        """What is bound, member by member."""
        return tuple(member.parameters for member in self.members)

    def withdraw(self) -> None:
        """Do nothing: members withdraw themselves."""

    def run(self, native: sqlite3.Connection) -> Answers:
        """Commit the group; raises nothing that concerns one member alone."""
        if len(self.members) == 1:
            return [_answer(native, self.members[0])]
        try:
            return self._together(native)
        except _Apart:
            roll_back(native)
            return [_answer(native, member) for member in self.members]
        except FsmCoreError as error:
            roll_back(native)
            return [self._failed(member, error) for member in self.members]
        except BaseException:
            roll_back(native)
            raise

    def _together(self, native: sqlite3.Connection) -> Answers:
        answers: Answers = []
        receipts: list[Receipt] = []
        with contextlib.closing(native.cursor()) as cursor:
            with translated(self.name):
                cursor.execute(BEGIN)
            for member in self.members:
                is_out = member.is_withdrawn
                answers.append(None if is_out else self._written(cursor, member, receipts))
            if receipts:
                commit(cursor, self.name, receipts)
                return answers
        roll_back(native)
        return answers

    def _written(
        self, cursor: sqlite3.Cursor, member: Transaction, receipts: list[Receipt]
    ) -> RowCountError | None:
        try:
            member.write(cursor)
        except RowCountError as error:
            if error.write_index or error.row_count:
                raise _Apart from error
            return error
        except Exception as error:
            raise _Apart from error
        receipts.append(member.receipt)
        return None

    def _failed(self, member: Transaction, error: FsmCoreError) -> FsmCoreError:
        # An error of its own for each: raised in many tasks, one would gather all their frames.
        if isinstance(error, CommitFailedError):
            if member.receipt.fate is not member.receipt.fate.NOT_SENT:
                return CommitFailedError(self.name, error.cause)
            # It met no row, perhaps because of a member before it, whose own fate nobody knows.
            return StoreBusyError(
                f"{self.name}: busy: the commit of its group failed ({error.cause}). Nothing of "
                "this transition was written; retry."
            )
        return again(error)


class Look:
    """Reads from one snapshot: to find one costs more than a row. As ``Work``, see ``Group``."""

    __slots__ = ("members", "name")

    def __init__(self, name: str, members: Sequence[Reading]) -> None:
        """Take the store's name for errors."""
        self.name = name
        self.members = members

    @property
    def sql(self) -> str:
        """All statements of all members."""
        statements = [member.sql for member in self.members]
        return "; ".join([BEGIN_LOOK, *statements, ROLLBACK] if statements[1:] else statements)

    @property
    def parameters(self) -> object:
        """What is bound, member by member."""
        return tuple(member.parameters for member in self.members)

    def withdraw(self) -> None:
        """Do nothing: a read leaves nothing to undo."""

    def run(self, native: sqlite3.Connection) -> Answers:
        """Return rows, or the error that its own member met."""
        if len(self.members) == 1:
            return [_answer(native, self.members[0])]
        try:
            with translated(self.name):
                native.execute(BEGIN_LOOK)
            return [_answer(native, member) for member in self.members]
        finally:
            roll_back(native)


def again(error: FsmCoreError) -> FsmCoreError:
    """Return the same error anew, for somebody else."""
    return type(error)(*error.args)


def _answer(native: sqlite3.Connection, member: Work[object]) -> object:
    try:
        return member.run(native)
    except Exception as error:  # noqa: BLE001 - handed to the member, who raises it
        return error


class _Gathering(Generic[W]):
    """What is asked in one turn of the event loop, and while a group is under way, is a group."""

    def __init__(self, seat: Seat, together: Callable[[Sequence[W]], Work[Answers]]) -> None:
        """``together`` makes one piece of work of many."""
        self._seat = seat
        self._together = together
        self._asked: list[tuple[W, Answer[Any]]] = []
        self._is_under_way = False

    def ask(self, work: W) -> Answer[Any]:
        told = answer_to(work)
        if not (self._asked or self._is_under_way):
            told.get_loop().call_soon(self._send)
        self._asked.append((work, told))
        return told

    def _send(self) -> None:
        group, self._asked = self._asked[:MEMBERS_AT_MOST], self._asked[MEMBERS_AT_MOST:]
        self._is_under_way = True
        call = settled(self._seat, self._together([work for work, _ in group]))
        call.add_done_callback(partial(self._ended, [told for _, told in group]))

    def _ended(self, group: Sequence[Answer[Any]], call: asyncio.Future[Answers]) -> None:
        self._is_under_way = False
        if self._asked:
            self._send()
        error = call.exception()
        answers = call.result() if error is None else [error] * len(group)
        for told, answer in zip(group, answers, strict=True):
            if not isinstance(answer, BaseException):
                told.set_result(answer)
            elif answer is error and isinstance(answer, FsmCoreError):
                told.set_exception(again(answer))
            else:
                told.set_exception(answer)


class _GroupCrew(Crew):
    """Looks together, and commits together."""

    def __init__(self, file: StoreFile, make_lane: MakeLane) -> None:
        super().__init__(file, make_lane)
        self._looks = _Gathering[Reading](self.seat, partial(Look, file.name))
        self._groups = _Gathering[Transaction](self.seat, partial(Group, file.name))

    def read(self, work: Reading) -> Awaitable[list[Row]]:
        return self._looks.ask(work)

    def commit(self, writes: Sequence[Write], receipt: Receipt) -> Awaitable[None]:
        return self._groups.ask(Transaction(self.file.name, writes, receipt))


class GroupCommit(Threaded):
    """As ``SingleWriter``, with whatever waits for the writer committed in one transaction.

    Each caller is told after the COMMIT that made its own transition durable, and what became of
    that one: a stale member fails alone, and when the fate of the COMMIT is unknown it is unknown
    for each whose writes were in it.
    """

    crew = _GroupCrew
