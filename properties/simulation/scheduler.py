"""The one seam of every strategy: ``choose(n)``, where 0 is going on with the same actor."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import NamedTuple, Protocol


class Action(enum.Enum):
    """What can happen next. All of it, real asyncio and real threads can do too."""

    READY = "run"
    START = "start"
    LAND = "land"
    CALL = "call"
    CLOCK = "clock"
    FAULT = "fault"

    __hash__ = object.__hash__  # Enum's own is written in Python


class Option(NamedTuple):
    """One thing that can happen next: what, by whom, and on which worker or with which fault.

    ``target`` does not depend on the schedule: ``a.2`` is the second worker of actor a.
    """

    action: Action
    actor: str
    target: str


class Point(NamedTuple):
    """Where a choice is asked for. ``inner`` is one between two callbacks of one chain.

    ``subjects`` holds what each option is about; ``describe`` makes a short line of one.
    """

    options: Sequence[Option]
    inner: bool
    subjects: Sequence[object]

    def describe(self, index: int) -> str:
        """Return one short line: what option ``index`` would do."""
        action, actor, target = self.options[index]
        about = getattr(self.subjects[index], "next_call_text", None)
        detail = about() if about is not None and action is Action.CALL else target
        return " ".join(word for word in (action.value, actor, detail) if word)


class Footprint(NamedTuple):
    """What a step read and wrote, as bit sets of shared things; see ``footprints``."""

    read: int
    written: int

    def conflicts(self, other: Footprint) -> bool:
        """Return whether the order of the two steps can matter."""
        return bool(self.written & (other.read | other.written) or other.written & self.read)

    def joined(self, other: Footprint) -> Footprint:
        """Return what both together touched."""
        return Footprint(self.read | other.read, self.written | other.written)


class Scheduler(Protocol):
    """Decides every choice of one run."""

    def begin(self) -> None:
        """Start a run."""
        ...

    def choose(self, n: int, point: Point) -> int:
        """Return an index below ``n``, which is at least 2. 0 goes on with the same actor."""
        ...


class Watcher(Protocol):
    """A scheduler that must also see forced steps and what each step touched."""

    def forced(self, point: Point) -> None:
        """Take note of a step that had no alternative."""
        ...

    def touched(self, footprint: Footprint) -> None:
        """Take note of all that happened since the last choice or forced step."""
        ...

    def broken_assumption(self, what: str) -> None:
        """Be told that something happened which reductions rule out."""
        ...

    def clock_interferes(self) -> None:
        """Be told that a timer woke an actor who had a database call outstanding."""
        ...

    def locks_are_shared(self) -> None:
        """Be told that a lock which had counted as its maker's own is touched by another."""
        ...

    def end(self) -> None:
        """Take note that the run is over."""
        ...


class HarnessError(Exception):
    """The simulator cannot go on; whatever the run would say about the subject is worth nothing."""


class PrunedRun(Exception):  # noqa: N818 - not an error: the rest of this run is known already
    """Raised by a scheduler: go on politely, nobody looks any more."""
