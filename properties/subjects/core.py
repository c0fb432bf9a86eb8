"""fsmcore as a subject: each adapter, with and without its in-process locks."""

from __future__ import annotations

import asyncio
import functools
import json
import random
from collections.abc import Callable
from contextvars import ContextVar
from datetime import datetime

from fsmcore import (
    FILE_LIFECYCLE,
    AfterCommitError,
    ConnectionModel,
    Edge,
    EventCollector,
    Fate,
    FileLockManager,
    FileTransitionManager,
    GuardRejectedError,
    HandRolledAdapter,
    MachineFactory,
    NoFileLocks,
    OutcomeUnknownError,
    PerTransition,
    RetryPolicy,
    StaleTransitionError,
    StateMachineAdapter,
    Store,
    StoreBusyError,
    TransitionNotAllowedError,
)
from fsmcore.rows import JournalEntry
from fsmcore.store import FileRow, utc_now
from properties.reach import reached
from properties.subjects.lifecycle import FILES
from properties.subjects.models import KEPT_COUNTS, MODELS, UNMET
from properties.subjects.protocol import (
    EVERYTHING,
    TRIES,
    V9,
    Answer,
    AnswerKind,
    LogRecord,
    Place,
    Request,
    Row,
    Shown,
    SubjectFactory,
)

_KINDS: tuple[tuple[type[BaseException], AnswerKind], ...] = (
    (TransitionNotAllowedError, AnswerKind.NOT_ALLOWED),
    (GuardRejectedError, AnswerKind.REJECTED),
    (StaleTransitionError, AnswerKind.STALE),
    (StoreBusyError, AnswerKind.BUSY),
    (OutcomeUnknownError, AnswerKind.UNKNOWN),
    (AfterCommitError, AnswerKind.FAILED_AFTER_COMMIT),
)


_request: ContextVar[Request | None] = ContextVar("request", default=None)
# A context and not a task: python-statemachine awaits guards in tasks of its own.


class CoreSubject:
    """A store and a manager; guards and callbacks find their request in the attempt's context."""

    def __init__(
        self,
        name: str,
        machine: MachineFactory,
        *,
        locked: bool,
        tries: int = TRIES,
        now: Callable[[], datetime] = utc_now,
        connections: Callable[..., ConnectionModel] = PerTransition,
        kept_count: int = 1,
        unmet: tuple[str, ...] = (),
    ) -> None:
        """Open nothing yet. ``connections`` makes the model, given ``fair_writer_lock``.

        ``kept_count`` connections stay open in it, each with a thread. ``unmet`` are the faults
        that no attempt of it can meet.

        ``jitter`` may be replaced before ``make``, by what draws nothing. With ``is_plain`` store
        and manager are as they come: no option is given but ``create`` and the events' sink.
        """
        self.name = name
        self.offers = EVERYTHING
        self.layout = V9
        self.lifecycle = FILES
        self.jitter: Callable[[float, float], float] = random.uniform
        self.kept_count = kept_count
        self.unmet = unmet
        self.is_plain = False
        self.shown: list[Shown] | None = None
        self._tries = tries
        self._now = now
        self._machine = machine
        self._locked = locked
        self._connections = connections
        self._events = EventCollector()
        self._log: list[LogRecord] = []
        self._file_locks = FileLockManager()
        self._store: Store | None = None
        self._manager: FileTransitionManager | None = None

    async def make(self, path: str) -> None:
        """Open the store and put a manager before it."""
        if self.is_plain:
            self._store = store = Store(path, create=True)
            await store.open()
            self._manager = FileTransitionManager(store, events=self._events)
            return
        retry = RetryPolicy(
            max_tries=self._tries,
            base_ms=0.2,
            cap_ms=1.0,
            jitter=self.jitter,
            sleep=self._sleep,
        )
        store = Store(
            path,
            create=True,
            connections=self._connections(fair_writer_lock=self._locked),
            retry=retry,
            now=self._now,
        )
        await store.open()
        self._store = store
        self._manager = FileTransitionManager(
            store,
            machine=self._machine,
            guards=dict.fromkeys(FILE_LIFECYCLE.events, self._guard),
            before_commit=functools.partial(self._call, Place.BEFORE_COMMIT),
            after_commit=functools.partial(self._call, Place.AFTER_COMMIT),
            locks=self._file_locks if self._locked else NoFileLocks(),
            events=self._events,
            now=self._now,
        )

    async def seed(self, file_path: str) -> None:
        """See ``Subject.seed``."""
        await self._made().track(file_path)

    async def attempt(self, request: Request) -> Answer:
        """See ``Subject.attempt``."""
        token = _request.set(request)
        try:
            result = await self._made().transition(
                request.file_path,
                request.event,
                attempt_id=request.attempt_id,
                expected_version=request.expected_version,
                last_error=request.last_error,
            )
        except asyncio.CancelledError:
            reached(f"told: {AnswerKind.CANCELLED.value}")
            raise
        except Exception as error:  # noqa: BLE001 - every error is an answer, told by its class
            reached(f"error: {type(error).__name__}")
            answer = _answer(error)
            reached(f"told: {answer.kind.value}")
            return answer
        finally:
            _request.reset(token)
        reached(f"told: {AnswerKind.SUCCESS.value}")
        reached(f"edge: {request.event} from {result.from_state}")
        if result.tries > 1:
            reached("by hand: success after a backoff")
        return Answer(
            kind=AnswerKind.SUCCESS,
            from_state=result.from_state,
            to_state=result.to_state,
            version=result.version,
            about=(result.attempt_id, result.file_path, result.event),
            tries=result.tries,
        )

    async def read(self, file_path: str) -> Row:
        """See ``Subject.read``."""
        row = await self._made().store.read(file_path)
        return Row(row.state, row.version)

    async def outcome_of(self, attempt_id: str) -> bool | None:
        """See ``Subject.outcome_of``."""
        outcome = await self._made().store.outcome_of(attempt_id)
        return None if outcome.fate is Fate.UNKNOWN else outcome.fate is Fate.COMMITTED

    async def journal(self) -> list[tuple[object, ...]]:
        """Return every entry that the store tells, as ``Layout.journal`` does."""
        return [_entry(each) for each in await self._made().store.journal()]

    async def entry_of(self, attempt_id: str) -> tuple[object, ...] | None:
        """Return the entry that comes with an attempt's outcome, or None."""
        entry = (await self._made().store.outcome_of(attempt_id)).entry
        return None if entry is None else _entry(entry)

    def log(self) -> list[LogRecord]:
        """See ``Subject.log``."""
        for record in self._events.records[len(self._log) :]:
            self._log.append(
                LogRecord(
                    attempt_id=record.attempt_id,
                    file_path=record.file_id,
                    event=record.event,
                    from_state=record.from_state,
                    to_state=record.to_state,
                    outcome=record.outcome.value,
                    guard_result=record.guard_result,
                    error=record.error,
                    fields=frozenset(json.loads(record.to_json())),
                    timestamp=record.timestamp,
                )
            )
        return list(self._log)

    def held_locks(self) -> int:
        """See ``Subject.held_locks``."""
        return len(self._file_locks)

    async def close(self) -> None:
        """See ``Subject.close``."""
        if self._store is not None:
            await self._store.close()

    def _made(self) -> FileTransitionManager:
        if self._manager is None:
            raise RuntimeError(f"subject {self.name}: call make() first")
        return self._manager

    async def _guard(self, row: FileRow, edge: Edge) -> bool:
        self._note(Place.GUARD, row, edge)
        await self._disturb(Place.GUARD)
        request = _request.get()
        return request is None or request.guard_says

    async def _call(self, place: Place, row: FileRow, edge: Edge) -> None:
        self._note(place, row, edge)
        await self._disturb(place)

    def _note(self, place: Place, row: FileRow, edge: Edge) -> None:
        request = _request.get()
        if request is not None and self.shown is not None:
            self.shown.append(
                Shown(
                    attempt_id=request.attempt_id,
                    place=place,
                    file_path=row.file_path,
                    row=Row(row.state, row.version),
                    event=edge.event,
                    from_state=edge.source,
                    to_state=edge.target,
                )
            )

    async def _sleep(self, seconds: float) -> None:
        await self._disturb(Place.BACKOFF)
        await asyncio.sleep(seconds)

    async def _disturb(self, place: Place) -> None:
        request = _request.get()
        for disturbance in request.at(place) if request is not None else ():
            await disturbance()


def _answer(error: Exception) -> Answer:
    kind = next((kind for known, kind in _KINDS if isinstance(error, known)), AnswerKind.FAILED)
    detail = f"{type(error).__name__}: {error}"
    if isinstance(error, AfterCommitError):
        return Answer(
            kind=kind, detail=detail, to_state=error.state, version=error.version, error=error
        )
    found = None
    if isinstance(error, StaleTransitionError):
        if error.found_state is not None and error.found_version is not None:
            found = Row(error.found_state, error.found_version)
    return Answer(kind=kind, detail=detail, error=error, found=found)


def _entry(entry: JournalEntry) -> tuple[object, ...]:
    moved = (entry.attempt_id, entry.file_path, entry.version)
    return (*moved, entry.event, entry.from_state, entry.to_state)


def _factory(
    name: str, machine: MachineFactory, *, locked: bool, model: str = "per-transition"
) -> SubjectFactory:
    def connections(*, fair_writer_lock: bool) -> ConnectionModel:
        return MODELS[model](fair_writer_lock)

    return functools.partial(
        CoreSubject,
        name,
        machine,
        locked=locked,
        connections=connections,
        kept_count=KEPT_COUNTS[model],
        unmet=UNMET.get(model, ()),
    )


CORE_SUBJECTS: dict[str, SubjectFactory] = {
    name: _factory(name, machine, locked=locked)
    for name, machine, locked in (
        ("statemachine", StateMachineAdapter, True),
        ("statemachine-unlocked", StateMachineAdapter, False),
        ("handrolled", HandRolledAdapter, True),
        ("handrolled-unlocked", HandRolledAdapter, False),
    )
}
"""Every subject of ours by name. `unlocked` leaves every race to the version check."""

MODEL_SUBJECTS: dict[str, SubjectFactory] = {
    f"{name}-{model}": _factory(f"{name}-{model}", machine, locked=True, model=model)
    for name, machine in (
        ("statemachine", StateMachineAdapter),
        ("handrolled", HandRolledAdapter),
    )
    for model in MODELS
    if model != "per-transition"
}
"""Each adapter on each connection model but the default one, which all the others have."""

DEFAULT_SUBJECTS = tuple(CORE_SUBJECTS)
"""Those that a session asks whole, whatever its profile."""

CORE_SUBJECTS |= MODEL_SUBJECTS
