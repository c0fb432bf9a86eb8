"""A fault: a means, the operation that it strikes, and once or from then on.

*Fail the Nth operation, for N = 1, 2, … until none fires* leaves no place out, as random faults do
(SQLite tests itself so: https://sqlite.org/testing.html#i_o_error_testing).

Choices: N counts operations of one means over the whole struck call, over all its connections;
so N does not depend on which connection the subject happens to use.
"""

from __future__ import annotations

import contextlib
import enum
import sqlite3
import threading
from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from properties.law import NOT_OFFERED
from properties.subjects import Layout, Lifecycle, Offer, Place, SubjectFactory

T = TypeVar("T")


class Repeat(enum.Enum):
    """How often a fault comes: at the Nth operation alone, or at it and at each later one."""

    ONCE = "once"
    PERSISTENTLY = "persistently"


class Phase(enum.Enum):
    """Which call of the subject is struck."""

    OPEN = "open"
    ATTEMPT = "attempt"
    ASK = "ask"
    CLOSE = "close"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One planned fault. ``nth`` counts from 1, and ``again`` the operations after it, 0: none."""

    means: str
    nth: int
    again: int = 0
    repeat: Repeat = Repeat.ONCE
    phase: Phase = Phase.ATTEMPT

    def told(self) -> str:
        """Return it as the options that strike it again."""
        repeat = " --persistently" if self.repeat is Repeat.PERSISTENTLY else ""
        again = f" --again {self.again}" if self.again else ""
        return f"--means {self.means} --phase {self.phase.value} --nth {self.nth}{again}{repeat}"


class History(Protocol):
    """The history that a fault is part of."""

    @property
    def layout(self) -> Layout:
        """How the subject's file is read and written behind its back."""
        ...

    @property
    def lifecycle(self) -> Lifecycle:
        """Where the subject's rows may be moved."""
        ...

    def tick(self) -> int:
        """Return the next moment."""
        ...

    def overtaken(self, attempt_id: str, moved: tuple[str, str, str, int], begin: int) -> None:
        """Record that somebody else moved the file."""
        ...


class Strike:
    """One fault in action: sees operations, and says of each whether it is to fail.

    Operations are counted between ``arm`` and ``lift`` only, from any thread. A means overrides
    what it needs; none of its hooks may raise, and none changes anything while it is not armed.
    """

    places: frozenset[Place] = frozenset()
    """The callbacks of the attempt in which ``at_place`` is awaited."""
    padding_size: int = 0
    """Characters added to the struck attempt's id, for means that need a write of some size."""

    def __init__(self, fault: Fault) -> None:
        """Strike nothing yet."""
        self.fault = fault
        self.seen = 0
        self.fired = 0
        self.is_armed = False
        self.on_fire: Callable[[str], None] = lambda _what: None
        self._counting = threading.Lock()

    def is_due(self, what: str) -> bool:
        """Count one operation; say whether it fails. ``what`` names it in the timeline."""
        with self._counting:
            if not self.is_armed:
                return False
            self.seen += 1
            later = self.fault.repeat is Repeat.PERSISTENTLY and self.seen > self.fault.nth
            is_again = self.fault.again and self.seen == self.fault.nth + self.fault.again
            if self.seen != self.fault.nth and not later and not is_again:
                return False
            self.fired += 1
            is_first = self.fired == 1
        if is_first:
            self.on_fire(f"struck: {what}")
        return True

    # What a means may do.

    def around(self, _folder: str) -> contextlib.AbstractContextManager[object]:
        """Return what surrounds the whole history; the database will be made below the folder."""
        return contextlib.nullcontext()

    def made_with(self, factory: SubjectFactory) -> SubjectFactory:
        """Return the factory that the subjects of the history are made by."""
        return factory

    def prepare(self, path: str, history: History) -> None:
        """See the database at rest, just before the struck call."""

    def opening(self, database: Any, _options: dict[str, Any]) -> Any:
        """See a connect of the subject before it happens; return the database to be opened."""
        return database

    def watch(self, connection: sqlite3.Connection) -> None:
        """See a connection of the subject, in the thread that opened it."""

    async def at_place(self, place: Place) -> None:
        """Happen at a callback of the struck attempt."""

    def driven(self, call: Generator[Any, Any, T]) -> Generator[Any, Any, T]:
        """Drive the struck call; what is yielded are the futures that it waits for."""
        return (yield from call)

    def ended(self, *, is_success: bool) -> None:
        """See how the struck call ended."""

    def lift(self) -> None:
        """Let everything work again. Must not fail, and may be repeated."""

    def leave(self) -> None:
        """Give back what was taken; nothing of the subject is open any more."""

    # How it is used.

    def arm(self) -> None:
        """Begin to count."""
        self.is_armed = True

    def disarm(self) -> None:
        """Stop counting and let everything work again."""
        with self._counting:
            self.is_armed = False
        self.lift()

    async def during(self, call: Awaitable[T]) -> T:
        """Await ``call`` while armed."""
        self.arm()
        try:
            return await Driven(self.driven(call.__await__()))
        finally:
            self.disarm()


@dataclass(frozen=True, slots=True)
class Driven(Awaitable[T]):
    """A generator of the futures that are waited for, as something that can be awaited."""

    generator: Generator[Any, Any, T]

    def __await__(self) -> Generator[Any, Any, T]:
        """Return it."""
        return self.generator


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """A way to bring a fault about by really failing something.

    ``fault`` names what it brings, as SQLite or asyncio call it; several means may bring the same.
    ``operation`` names what is counted; ``needs_one_of`` these offers, or a subject has none of
    them. ``why_not`` says why it does not work on this host (None:
    it does). ``depends_on`` are the libraries whose release decides the number of operations.
    ``is_paired``: it strikes twice, the second time at each operation that comes after the first.
    ``is_process_wide``: it strikes all that the process does, so it needs one of its own.
    ``is_limit``: nothing can be counted; N leaves more room each time, until none is felt.
    """

    name: str
    fault: str
    operation: str
    strike: Callable[[Fault], Strike]
    why_not: Callable[[], str | None] = lambda: None
    repeats: tuple[Repeat, ...] = (Repeat.ONCE, Repeat.PERSISTENTLY)
    phases: tuple[Phase, ...] = (Phase.OPEN, Phase.ATTEMPT, Phase.ASK)
    depends_on: tuple[str, ...] = ("sqlite",)
    is_paired: bool = False
    is_process_wide: bool = False
    is_limit: bool = False
    needs_one_of: frozenset[Offer] = frozenset()

    def not_offered(self, offers: frozenset[Offer]) -> str | None:
        """Return why a subject of these offers has nothing to strike; None if it may have."""
        if not self.needs_one_of or self.needs_one_of & offers:
            return None
        return f"{NOT_OFFERED} {' or '.join(sorted(each.value for each in self.needs_one_of))}"
