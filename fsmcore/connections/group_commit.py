"""Transactions that wait for the writer are committed together, and each is told its own outcome.

While one group is in SQLite the next one gathers, so a group is as large as the writer is slow. A
COMMIT costs about the same for one member and for thirty.

Members are written one after another inside one transaction. A member whose compare-and-set meets
no row has written nothing, so it fails alone. Any other failure may have left half of its member
behind: then all is rolled back, and each member gets a transaction of its own. No SAVEPOINT is
needed, which each member would pay for and hardly any would use.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Awaitable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from fsmcore.connections.gathering import Answers, Gathering, LookingCrew, Together, again, outcome
from fsmcore.connections.lane import MakeLane
from fsmcore.connections.model import CommitFailedError, Receipt, RowCountError, Write
from fsmcore.connections.threaded import Threaded
from fsmcore.connections.work import BEGIN, COMMIT, Transaction, commit, roll_back
from fsmcore.errors import FsmCoreError, StoreBusyError
from fsmcore.sqlite import translated

if TYPE_CHECKING:
    from fsmcore.connections.file import StoreFile


class _Apart(Exception):  # noqa: N818 - a turn of the work, not an error that anybody sees
    """A member failed after it may have written."""


class Group(Together[Transaction]):
    """One transaction of many members."""

    __slots__ = ()

    @property
    def sql(self) -> str:
        """All statements of all members."""
        writes = [write.sql for member in self.members for write in member.writes]
        return "; ".join([BEGIN, *writes, COMMIT])

    def run(self, native: sqlite3.Connection) -> Answers:
        """Commit the group; raises nothing that concerns one member alone."""
        if len(self.members) == 1:
            return [outcome(native, self.members[0])]
        try:
            return self._together(native)
        except _Apart:
            roll_back(native)
            return [outcome(native, member) for member in self.members]
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


class _GroupCrew(LookingCrew):
    """Looks together, and commits together."""

    def __init__(self, file: StoreFile, make_lane: MakeLane) -> None:
        super().__init__(file, make_lane)
        together = partial(Group, file.name)
        self._groups = Gathering[Transaction](self.seat, together, one_at_a_time=True)

    def commit(self, writes: Sequence[Write], receipt: Receipt) -> Awaitable[None]:
        return self._groups.ask(Transaction(self.file.name, writes, receipt))


class GroupCommit(Threaded):
    """As ``SingleWriter``, with whatever waits for the writer committed in one transaction.

    Each caller is told after the COMMIT that made its own transition durable, and what became of
    that one: a stale member fails alone, and when the fate of the COMMIT is unknown it is unknown
    for each whose writes were in it.
    """

    crew = _GroupCrew
