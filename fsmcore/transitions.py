"""One attempt, from the caller's event to a settled outcome.

Lock, read, build a machine from the row, trigger; the machine enters, and entering writes the row
by compare-and-set; then the machine is dropped. A try that met a busy or a moved row is made again
from a fresh read, a bounded number of times.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fsmcore.adapters.statemachine import StateMachineAdapter
from fsmcore.attempt_ids import time_ordered_id
from fsmcore.connections import CommitFate
from fsmcore.errors import (
    AfterCommitError,
    DefinitionError,
    FsmCoreError,
    GuardRejectedError,
    MachineContractError,
    StaleTransitionError,
    StoreBusyError,
    TransitionNotAllowedError,
    UnknownEventError,
    UnknownStateError,
)
from fsmcore.event_log import EventRecord, Outcome
from fsmcore.lifecycle import FILE_LIFECYCLE, Edge, Lifecycle
from fsmcore.locks import FileLockManager, FileLocks
from fsmcore.rows import FileRow, checked_key, checked_text
from fsmcore.store import Store, utc_now
from fsmcore.text import shown

if TYPE_CHECKING:
    from datetime import datetime

    from fsmcore.attempt import Attempt
    from fsmcore.event_log import EventSink
    from fsmcore.protocol import MachineFactory
    from fsmcore.retry import RetryPolicy

_log = logging.getLogger("fsmcore")

Guard = Callable[[FileRow, Edge], bool | Awaitable[bool]]
"""Says whether the edge may be taken from the row that was read. May be async.

Runs before BEGIN; the compare-and-set then holds exactly for the version it saw. What it reads
elsewhere may have moved by then (write skew).
"""

Callback = Callable[[FileRow, Edge], Awaitable[None] | None]
"""Called with a row and the edge taken. May be async."""

_OUTCOMES: tuple[tuple[type[BaseException], Outcome], ...] = (
    (TransitionNotAllowedError, Outcome.NOT_ALLOWED),
    (GuardRejectedError, Outcome.REJECTED),
    (StaleTransitionError, Outcome.STALE),
    (StoreBusyError, Outcome.BUSY),
    (asyncio.CancelledError, Outcome.CANCELLED),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TransitionResult:
    """A committed transition. ``tries`` counts from 1."""

    attempt_id: str
    file_path: str
    event: str
    from_state: str
    to_state: str
    version: int
    tries: int


@dataclass(slots=True)
class _Trace:
    """What is known of an attempt so far; the event record is made from it."""

    attempt_id: str
    file_path: str
    event: str
    timestamp: str
    from_state: str | None = None
    to_state: str | None = None
    guard_result: bool | None = None
    fate: CommitFate = CommitFate.NOT_SENT
    moved: FileRow | None = None
    callback_error: Exception | None = None

    def outcome(self, error: BaseException | None) -> Outcome:
        if self.fate is CommitFate.COMMITTED:
            return Outcome.SUCCESS
        if self.fate is CommitFate.SENT:
            return Outcome.UNKNOWN
        if error is not self.callback_error:
            for kind, outcome in _OUTCOMES:
                if isinstance(error, kind):
                    return outcome
        return Outcome.FAILED

    def after_commit(self, moved: FileRow) -> AfterCommitError:
        return AfterCommitError(self.attempt_id, self.file_path, moved.state, moved.version)


class FileTransitionManager:
    """Runs attempts against a store. Belongs to the store's event loop; any number of tasks.

    ``guards`` are by event. ``before_commit`` gets the row as read: its error leaves the row
    alone and reaches the caller unchanged. ``after_commit`` gets the row as written: its error
    reaches the caller as the cause of ``AfterCommitError``, because the row *has* moved.
    """

    def __init__(
        self,
        store: Store,
        *,
        lifecycle: Lifecycle = FILE_LIFECYCLE,
        machine: MachineFactory = StateMachineAdapter,
        guards: Mapping[str, Guard] | None = None,
        before_commit: Callback | None = None,
        after_commit: Callback | None = None,
        locks: FileLocks | None = None,
        events: EventSink | None = None,
        retry: RetryPolicy | None = None,
        now: Callable[[], datetime] = utc_now,
        new_attempt_id: Callable[[], str] = time_ordered_id,
    ) -> None:
        """Check the definitions; raises ``DefinitionError``. Touches no file.

        ``locks`` defaults to a ``FileLockManager`` of its own, ``retry`` to the store's policy.
        """
        self._guards = dict(guards or {})
        for event in self._guards:
            if event not in lifecycle.events:
                raise UnknownEventError(event, lifecycle.events)
        self.store = store
        self.lifecycle = lifecycle
        self.locks = locks if locks is not None else FileLockManager()
        self._machine = machine
        self._before_commit = before_commit
        self._after_commit = after_commit
        self._events = events
        self._retry = retry if retry is not None else store.retry
        self._now = now
        self._new_attempt_id = new_attempt_id

    async def track(self, file_path: str) -> FileRow:
        """Add a file in the initial state at version 0; raises ``FileAlreadyTrackedError``."""
        return await self.store.track(file_path, self.lifecycle.initial)

    async def transition(
        self,
        file_path: str,
        event: str,
        *,
        attempt_id: str | None = None,
        expected_version: int | None = None,
        last_error: str | None = None,
        failure_info: str | None = None,
    ) -> TransitionResult:
        """Take ``event`` on ``file_path`` once; return only after the commit.

        Give ``attempt_id`` to be able to ask ``store.outcome_of`` whatever happens. With
        ``expected_version`` a row at any other version is stale for good; without it, the attempt
        reads again and decides again. ``last_error`` and ``failure_info`` are written when given.

        Safe to cancel before COMMIT is sent, unknown after; the event record says which.
        """
        trace = _Trace(
            attempt_id=self._new_attempt_id() if attempt_id is None else attempt_id,
            file_path=file_path,
            event=event,
            timestamp=self._now().isoformat(),
        )
        beside = {"last_error": last_error, "failure_info": failure_info}
        try:
            moved, tries = await self._settled(trace, expected_version, beside)
        except BaseException as error:
            self._record_failure(trace, error)
            raise
        try:
            self._record(trace, None)
        except Exception as error:
            raise trace.after_commit(moved) from error
        return TransitionResult(
            attempt_id=trace.attempt_id,
            file_path=file_path,
            event=event,
            from_state=trace.from_state or "",
            to_state=moved.state,
            version=moved.version,
            tries=tries,
        )

    async def _settled(
        self, trace: _Trace, expected_version: int | None, beside: Mapping[str, str | None]
    ) -> tuple[FileRow, int]:
        checked_key(trace.file_path)
        for name, text in beside.items():
            if text is not None:
                checked_text(text, what=name)
        if trace.event not in self.lifecycle.events:
            raise UnknownEventError(trace.event, self.lifecycle.events)
        self._refuse_to_wait_for_itself(trace.file_path)

        def is_final(error: FsmCoreError) -> bool:
            missed = expected_version is not None and isinstance(error, StaleTransitionError)
            return missed or trace.moved is not None or error is trace.callback_error

        with self.store.announced(trace.attempt_id) as attempt:

            async def once(tries: int) -> tuple[FileRow, int]:
                return await self._one_try(attempt, trace, expected_version, beside), tries

            try:
                async with self.locks.holding(trace.file_path):
                    return await self._retry.run(once, is_final=is_final)
            except Exception as error:
                if trace.moved is None:
                    raise
                raise trace.after_commit(trace.moved) from error
            finally:
                trace.fate = attempt.fate

    def _refuse_to_wait_for_itself(self, file_path: str) -> None:
        inside = self.store.attempt_calling()
        if inside is not None and inside.file_path == file_path:
            raise DefinitionError(
                f"{shown(file_path)}: a callback of attempt {shown(inside.attempt_id)!r} wants to "
                "move the file of that attempt, and would wait for itself. Do it afterwards."
            )

    async def _one_try(
        self,
        attempt: Attempt,
        trace: _Trace,
        expected_version: int | None,
        beside: Mapping[str, str | None],
    ) -> FileRow:
        trace.from_state = trace.to_state = trace.guard_result = None
        async with attempt.connected():
            row = await self._read(attempt, trace, expected_version)

            async def ask_guard(edge: Edge) -> bool:
                trace.to_state = edge.target
                guard = self._guards.get(edge.event)
                if guard is None:
                    return True
                answer = await _call(guard, row, edge, attempt, trace)
                if not isinstance(answer, bool):
                    raise DefinitionError(
                        f"the guard of {edge.event!r} answered {type(answer).__name__}; "
                        "return True or False."
                    )
                trace.guard_result = answer
                return answer

            async def enter(edge: Edge) -> None:
                if self._before_commit is not None:
                    await _call(self._before_commit, row, edge, attempt, trace)
                trace.moved = moved = await attempt.compare_and_set(row, edge, **beside)
                if self._after_commit is not None:
                    await _call(self._after_commit, moved, edge, attempt, trace)

            machine = self._machine(
                self.lifecycle,
                file_path=row.file_path,
                state=row.state,
                ask_guard=ask_guard,
                enter=enter,
            )
            await machine.activate()
            await machine.trigger(trace.event)
        if trace.moved is None:
            written = "nothing was" if attempt.fate is CommitFate.NOT_SENT else "it may have been"
            raise MachineContractError(
                f"{type(machine).__name__} took event {trace.event!r} and did not await the write "
                f"or kept its error; {written} written. Does its library await async callbacks?"
            )
        return trace.moved

    async def _read(self, attempt: Attempt, trace: _Trace, expected_version: int | None) -> FileRow:
        row = await attempt.read(trace.file_path)
        trace.from_state = row.state
        if row.state not in self.lifecycle.states:
            raise UnknownStateError(row.file_path, row.state, self.lifecycle.states)
        if expected_version is not None and row.version != expected_version:
            raise StaleTransitionError(
                row.file_path,
                expected_state=None,
                expected_version=expected_version,
                found_state=row.state,
                found_version=row.version,
            )
        return row

    def _record_failure(self, trace: _Trace, error: BaseException) -> None:
        if trace.fate is CommitFate.SENT:
            _log.warning("attempt %s: outcome unknown: %r", trace.attempt_id, error)
        try:
            self._record(trace, error)
        except Exception as sink_error:  # noqa: BLE001 - the attempt's own error is raised next
            error.add_note(f"The event sink failed too: {sink_error!r}")

    def _record(self, trace: _Trace, error: BaseException | None) -> None:
        if self._events is None:
            return
        self._events.record(
            EventRecord(
                attempt_id=trace.attempt_id,
                timestamp=trace.timestamp,
                file_id=trace.file_path,
                event=trace.event,
                from_state=trace.from_state,
                to_state=trace.to_state,
                guard_result=trace.guard_result,
                outcome=trace.outcome(error),
                error=None if error is None else f"{type(error).__name__}: {error}",
            )
        )


async def _call(
    callback: Callable[[FileRow, Edge], object],
    row: FileRow,
    edge: Edge,
    attempt: Attempt,
    trace: _Trace,
) -> object:
    with attempt.calling():
        try:
            answer = callback(row, edge)
            return await answer if inspect.isawaitable(answer) else answer
        except Exception as error:
            trace.callback_error = error  # the caller's own: neither tried again nor interpreted
            raise
