"""The few things a subject can be asked. Whoever answers them can be judged.

Nothing here knows fsmcore: a subject may be any durable state machine on SQLite.
"""

from __future__ import annotations

import enum
import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from properties.subjects.lifecycle import Lifecycle


class Place(enum.Enum):
    """Where in an attempt something can be made to happen."""

    GUARD = "guard"
    BEFORE_COMMIT = "before commit"
    AFTER_COMMIT = "after commit"
    BACKOFF = "backoff"


Disturbance = Callable[[], Awaitable[None]]
"""Runs at its place, inside the attempt. What it raises, the subject's callback raises."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One attempt to take ``event`` on ``file_path``.

    ``guard_says`` is the guard's answer, ``expected_version`` the version it must still have (None:
    any), ``last_error`` what the caller notes beside the row (None: nothing; asked only of who
    offers ``NOTES``), ``disturbances`` what happens on the way.
    """

    attempt_id: str
    file_path: str
    event: str
    guard_says: bool = True
    expected_version: int | None = None
    last_error: str | None = None
    disturbances: tuple[tuple[Place, Disturbance], ...] = ()

    def at(self, place: Place) -> list[Disturbance]:
        """Return what happens at ``place``, in order."""
        return [disturbance for where, disturbance in self.disturbances if where is place]

    def within(self, offers: frozenset[Offer]) -> Request:
        """Return the same request without what a subject of these offers cannot be asked."""
        return replace(
            self,
            guard_says=self.guard_says or Offer.GUARDS not in offers,
            expected_version=self.expected_version if Offer.EXPECTED_VERSION in offers else None,
            disturbances=tuple(
                (place, what) for place, what in self.disturbances if _OFFERED_AT[place] in offers
            ),
        )


class Offer(enum.Enum):
    """What a subject may or may not have; a law that needs what is not there is not asked."""

    JOURNAL = "a journal of its transitions"
    OUTCOMES = "outcomes by attempt id"
    LOG = "an event log"
    GUARDS = "guards"
    CALLBACKS = "callbacks around the commit"
    EXPECTED_VERSION = "expected versions"
    BACKOFF = "news of its waits"
    JITTER = "a jitter of ours: `jitter(low_ms, high_ms)`, replaced before `make`"
    CLOCK = "a clock of ours"
    V9 = "the V9 tables and the lifecycle of files"
    WAL = "a write-ahead log"
    WORKER = "workers in processes of their own"
    SCENARIOS = "scenarios of the simulation"
    NOTES = "notes of the caller's beside the row: `Request.last_error`"
    TOLD_JOURNAL = "its journal as it tells it: `journal()` and `entry_of()`"
    DEFAULTS = "defaults: `is_plain`, set before `make`, leaves all else unset"


EVERYTHING = frozenset(Offer)

_OFFERED_AT = {
    Place.GUARD: Offer.GUARDS,
    Place.BEFORE_COMMIT: Offer.CALLBACKS,
    Place.AFTER_COMMIT: Offer.CALLBACKS,
    Place.BACKOFF: Offer.BACKOFF,
}


class AnswerKind(enum.Enum):
    """What the caller was told. Only the last four leave open, or say, that the row moved."""

    NOT_ALLOWED = "not allowed"
    REJECTED = "rejected by its guard"
    STALE = "stale"
    BUSY = "busy"
    FAILED = "failed, nothing written"
    CANCELLED = "cancelled"
    UNKNOWN = "outcome unknown"
    SUCCESS = "success"
    FAILED_AFTER_COMMIT = "failed after the commit"

    @property
    def says_moved(self) -> bool:
        """Whether the caller was told that the row moved."""
        return self in (AnswerKind.SUCCESS, AnswerKind.FAILED_AFTER_COMMIT)

    @property
    def says_unmoved(self) -> bool:
        """Whether the caller was told that the row did not move."""
        return not self.says_moved and self not in (AnswerKind.CANCELLED, AnswerKind.UNKNOWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came of a request, and what the caller was told of it; None where nothing was told.

    ``about`` is whose answer it says it is: attempt id, key and event. ``tries`` counts from 1.
    ``found`` is the row that made it *stale*.
    """

    kind: AnswerKind
    detail: str = ""
    from_state: str | None = None
    to_state: str | None = None
    version: int | None = None
    error: BaseException | None = None
    about: tuple[str, str, str] | None = None
    tries: int | None = None
    found: Row | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A row as the subject reads it."""

    state: str
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a guard or a callback of an attempt was shown: the row, and the edge to be taken."""

    attempt_id: str
    place: Place
    file_path: str
    row: Row
    event: str
    from_state: str
    to_state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRecord:
    """What the subject's own log says of an attempt."""

    attempt_id: str
    file_path: str
    event: str
    from_state: str | None
    to_state: str | None
    outcome: str
    guard_result: bool | None
    error: str | None
    fields: frozenset[str]
    timestamp: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How the judge reads a subject's file, and moves a row behind its back: SQL of its own.

    ``rows`` selects key, state, version; ``journal`` (None: there is none) attempt, key, version,
    event, from and to, by key and version; ``row`` state and version of one key. ``move`` takes the
    new state and the key; ``note`` attempt, key, version, event, from and to.
    """

    rows: str
    row: str
    move: str
    journal: str | None = None
    note: str | None = None

    @classmethod
    def of(cls, table: str, *, key: str, state: str, version: str) -> Layout:
        """Return the layout of one table without a journal, from its columns' names as in SQL.

        They are the caller's own: nobody else may choose them.
        """
        return cls(
            rows=f"SELECT {key}, {state}, {version} FROM {table}",  # noqa: S608 - as above
            row=f"SELECT {state}, {version} FROM {table} WHERE {key} = ?",  # noqa: S608
            move=f"UPDATE {table} SET {state} = ?, {version} = {version} + 1 WHERE {key} = ?",  # noqa: S608
        )


V9 = Layout(
    rows="SELECT file_path, gemini_state, version FROM files",
    journal=(
        "SELECT attempt_id, file_path, version, event, from_state, to_state FROM transitions "
        "ORDER BY file_path, version"
    ),
    row="SELECT gemini_state, version FROM files WHERE file_path = ?",
    move="UPDATE files SET gemini_state = ?, version = version + 1 WHERE file_path = ?",
    note="INSERT INTO transitions VALUES (?, ?, ?, ?, ?, ?, 'outsider')",
)
"""The layout of the core's own files."""


def kept_count(subject: object) -> int:
    """Return how many connections, each with a thread, a subject keeps open: one if it says none.

    Optional, so that nobody else's subject need say it.
    """
    return int(getattr(subject, "kept_count", 1))


def shown_by(subject: object) -> list[Shown]:
    """Return what guards and callbacks were shown since it was told to keep a note of it."""
    return list(getattr(subject, "shown", None) or ())


def keep_what_is_shown(subject: object) -> None:
    """Let it note what guards and callbacks are shown, if it can: in a list named ``shown``.

    Optional, as ``kept_count`` is, and None until then: a note for each call would be taken for
    what an attempt leaves behind.
    """
    if hasattr(subject, "shown"):
        subject.shown = []


class Subject(Protocol):
    """A durable state machine over one database file, used from one event loop.

    ``offers`` says what it has. What it lacks need not be answered: no outcome is asked of a
    subject without ``Offer.OUTCOMES``, and its log may be empty. ``layout`` is that of its file,
    ``lifecycle`` that of its rows.
    """

    name: str
    offers: frozenset[Offer]
    layout: Layout
    lifecycle: Lifecycle

    async def make(self, path: str) -> None:
        """Open (and create) the database at ``path``."""
        ...

    async def seed(self, file_path: str) -> None:
        """Add a file in the initial state at version 0; raises when it is there."""
        ...

    async def attempt(self, request: Request) -> Answer:
        """Make one attempt; return what its caller was told. Raises only ``CancelledError``."""
        ...

    async def read(self, file_path: str) -> Row:
        """Return the row now."""
        ...

    async def outcome_of(self, attempt_id: str) -> bool | None:
        """Say whether the attempt is committed; None when that is not known."""
        ...

    def log(self) -> list[LogRecord]:
        """Return the log's records since ``make``, in order."""
        ...

    def held_locks(self) -> int:
        """Return how many in-process locks are held or awaited now."""
        ...

    async def close(self) -> None:
        """Give everything back."""
        ...


TRIES = 4
"""Small, so that a writer that never lets go is met and survived within one step."""


class ModestSubject:
    """What to derive from when there is a row with a version and a compare-and-set, and no more.

    Left to write: ``layout``, ``lifecycle``, ``make``, ``seed``, ``read``, ``moves`` and ``close``.
    Who has a journal by attempt id, or more, says so in ``offers`` and writes ``attempt``.
    """

    name = "modest"
    offers: frozenset[Offer] = frozenset()
    refusals: tuple[type[Exception], ...] = ()
    """What ``moves`` raises for an event that has no edge."""

    def __init__(self, *, tries: int = TRIES) -> None:
        """Touch no file yet."""
        self.tries = tries

    async def moves(self, file_path: str, event: str) -> tuple[Row, Row] | None:
        """Take ``event``; return the row before and after, None when the compare-and-set missed.

        Raises one of ``refusals`` where there is no edge, ``sqlite3.Error`` as SQLite does.
        """
        raise NotImplementedError

    async def attempt(self, request: Request) -> Answer:
        """Answer with what ``moves`` returned or raised; who cannot know says *unknown*."""
        try:
            moved = await self.moves(request.file_path, request.event)
        except self.refusals as error:
            return Answer(kind=AnswerKind.NOT_ALLOWED, detail=str(error))
        except sqlite3.Error as error:
            is_busy = getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY
            kind = AnswerKind.BUSY if is_busy else AnswerKind.UNKNOWN
            return Answer(kind=kind, detail=str(error), error=error)
        except Exception as error:  # noqa: BLE001 - every error is an answer
            return Answer(kind=AnswerKind.FAILED, detail=repr(error), error=error)
        if moved is None:
            return Answer(kind=AnswerKind.STALE)
        was, now = moved
        return Answer(
            kind=AnswerKind.SUCCESS, from_state=was.state, to_state=now.state, version=now.version
        )

    async def outcome_of(self, attempt_id: str) -> bool | None:
        """Is not offered, so nobody may ask."""
        raise NotImplementedError(f"no outcomes are offered; {attempt_id} was asked for")

    def log(self) -> list[LogRecord]:
        """Keep none."""
        return []

    def held_locks(self) -> int:
        """Hold none."""
        return 0


class SubjectFactory(Protocol):
    """Makes a fresh subject."""

    def __call__(self, *, tries: int = TRIES) -> Subject:
        """Return a subject that has touched no file yet and tries a busy file so often.

        The factory of a subject that offers a clock also takes ``now``, which returns the time.
        """
        ...
