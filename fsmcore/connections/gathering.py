"""Pieces of work that tasks ask for at once, made one: one hop, and one snapshot for all reads.

To find the newest snapshot costs more than to read a row of it, and a hop more than both.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from fsmcore.connections.lane import Answer, MakeLane, answer_to
from fsmcore.connections.model import Row
from fsmcore.connections.seat import Seat, settled
from fsmcore.connections.threaded import Crew
from fsmcore.connections.work import ROLLBACK, Reading, Work, roll_back
from fsmcore.errors import FsmCoreError
from fsmcore.sqlite import translated

if TYPE_CHECKING:
    from fsmcore.connections.file import StoreFile

MEMBERS_AT_MOST = 128
"""Keeps a group short, for whoever else wants the lock or the thread."""

BEGIN_LOOK = "BEGIN"

Answers = list[object]
"""For each member what it came to, or the error that it met."""
W = TypeVar("W", bound="Work[Any]")


def again(error: FsmCoreError) -> FsmCoreError:
    """Return the same error anew, for somebody else."""
    return type(error)(*error.args)


def outcome(native: sqlite3.Connection, member: Work[object]) -> object:
    """Return what a member came to, or its error."""
    try:
        return member.run(native)
    except Exception as error:  # noqa: BLE001 - handed to the member, who raises it
        return error


class Together(Generic[W]):
    """One piece of work of many. As ``Work``, it returns one answer a member."""

    __slots__ = ("members", "name")

    def __init__(self, name: str, members: Sequence[W]) -> None:
        """Take the store's name for errors."""
        self.name = name
        self.members = members

    @property
    def parameters(self) -> object:
        """What is bound, member by member."""
        return tuple(member.parameters for member in self.members)

    def withdraw(self) -> None:
        """Do nothing: members withdraw themselves, and a read leaves nothing to undo."""


class Look(Together[Reading]):
    """Reads from one snapshot."""

    __slots__ = ()

    @property
    def sql(self) -> str:
        """All statements of all members."""
        statements = [member.sql for member in self.members]
        return "; ".join([BEGIN_LOOK, *statements, ROLLBACK] if statements[1:] else statements)

    def run(self, native: sqlite3.Connection) -> Answers:
        """Return rows, or the error that its own member met."""
        if len(self.members) == 1:
            return [outcome(native, self.members[0])]
        try:
            with translated(self.name):
                native.execute(BEGIN_LOOK)
            return [outcome(native, member) for member in self.members]
        finally:
            roll_back(native)


class Gathering(Generic[W]):
    """What is asked in one turn of the event loop crosses over together, and so do its answers."""

    def __init__(
        self,
        seat: Seat,
        together: Callable[[Sequence[W]], Work[Answers]],
        *,
        one_at_a_time: bool = False,
    ) -> None:
        """``together`` makes one piece of work of many, ``MEMBERS_AT_MOST`` of them.

        With ``one_at_a_time`` a group gathers until the one before it has come back.
        """
        self._seat = seat
        self._together = together
        self._asked: list[tuple[W, Answer[Any]]] = []
        self._one_at_a_time = one_at_a_time
        self._is_under_way = False

    def ask(self, work: W) -> Answer[Any]:
        """Return what ``work`` will come to."""
        told = answer_to(work)
        if not (self._asked or self._is_under_way):
            told.get_loop().call_soon(self._send)
        self._asked.append((work, told))
        return told

    def _send(self) -> None:
        while self._asked and not self._is_under_way:
            group, self._asked = self._asked[:MEMBERS_AT_MOST], self._asked[MEMBERS_AT_MOST:]
            self._is_under_way = self._one_at_a_time
            call = settled(self._seat, self._together([work for work, _ in group]))
            call.add_done_callback(partial(self._ended, [told for _, told in group]))

    def _ended(self, group: Sequence[Answer[Any]], call: asyncio.Future[Answers]) -> None:
        if self._is_under_way:
            self._is_under_way = False
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


class LookingCrew(Crew):
    """One seat, whose reads look together."""

    def __init__(self, file: StoreFile, make_lane: MakeLane) -> None:
        super().__init__(file, make_lane)
        self._looks = Gathering[Reading](self.seat, partial(Look, file.name))

    def read(self, work: Reading) -> Awaitable[list[Row]]:
        return self._looks.ask(work)
