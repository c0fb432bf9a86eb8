"""Every error that fsmcore raises on purpose, in one tree.

Two questions decide what a caller may do, and each class answers them itself:

* ``retryable``: may a new attempt, made from a fresh read, succeed?
* ``outcome_unknown``: may the transition have been committed although it raised?

An error that is neither is definite: nothing was written, and trying again unchanged
gives the same error. ``AfterCommitError`` is the one exception that says the opposite:
the transition *is* durable, and something that ran after it failed.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import ClassVar

from fsmcore.text import shown


def _listed(names: Iterable[str]) -> str:
    return ", ".join(repr(name) for name in sorted(names))


def _nearest(name: str, names: Iterable[str]) -> str:
    found = difflib.get_close_matches(str(name), list(names), n=1)
    return f" Did you mean {found[0]!r}?" if found else ""


class FsmCoreError(Exception):
    """Root of the tree."""

    retryable: ClassVar[bool] = False
    outcome_unknown: ClassVar[bool] = False


class DefinitionError(FsmCoreError):
    """A lifecycle, schema or option contradicts itself; found before any file is touched."""


class UnknownEventError(DefinitionError):
    """The lifecycle has no such event, in any state."""

    def __init__(self, event: str, events: Iterable[str]) -> None:
        self.event = event
        self.events = tuple(sorted(events))
        super().__init__(
            f"unknown event {event!r}: the lifecycle has {_listed(self.events)}."
            f"{_nearest(event, self.events)}"
        )


class MachineContractError(FsmCoreError):
    """The state machine library did not do what the adapter asks of it."""


class TransitionNotAllowedError(FsmCoreError):
    """The file's state has no edge for this event. Nothing was written."""

    def __init__(self, file_path: str, event: str, state: str, allowed: Iterable[str] = ()) -> None:
        self.file_path = file_path
        self.event = event
        self.state = state
        self.allowed = tuple(sorted(allowed))
        choice = f"allowed here: {_listed(self.allowed)}" if self.allowed else "the state is final"
        super().__init__(
            f"{shown(file_path)}: event {event!r} is not allowed in state {state!r}; {choice}."
        )


class GuardRejectedError(FsmCoreError):
    """The edge exists, and its guard said no. Nothing was written."""

    def __init__(self, file_path: str, event: str, state: str) -> None:
        self.file_path = file_path
        self.event = event
        self.state = state
        super().__init__(
            f"{shown(file_path)}: the guard of event {event!r} rejected it in state {state!r}. "
            "Nothing was written."
        )


class StaleTransitionError(FsmCoreError):
    """Another writer moved the row after it was read. Nothing was written."""

    retryable = True

    def __init__(
        self,
        file_path: str,
        *,
        expected_state: str | None,
        expected_version: int,
        found_state: str | None,
        found_version: int | None,
    ) -> None:
        self.file_path = file_path
        self.expected_state = expected_state
        self.expected_version = expected_version
        self.found_state = found_state
        self.found_version = found_version
        found = (
            "the row is gone"
            if found_version is None
            else f"found {found_state!r} at version {found_version}"
        )
        expected = "" if expected_state is None else f"state {expected_state!r} at "
        super().__init__(
            f"{shown(file_path)}: stale write: expected {expected}version {expected_version}, "
            f"{found}. Read again and retry."
        )


class StoreBusyError(FsmCoreError):
    """Another connection held the lock (SQLITE_BUSY or SQLITE_LOCKED). Nothing was written."""

    retryable = True


class OutcomeUnknownError(FsmCoreError):
    """COMMIT was sent and failed: the transition may or may not be durable.

    Never retry it blindly. ``await store.outcome_of(error.attempt_id)`` answers in one read.
    """

    outcome_unknown = True

    def __init__(
        self, attempt_id: str, file_path: str, cause: str, *, has_journal: bool = True
    ) -> None:
        self.attempt_id = attempt_id
        self.file_path = file_path
        advice = f"ask outcome_of({shown(attempt_id)!r})" if has_journal else "read the row"
        super().__init__(
            f"{shown(file_path)}: attempt {shown(attempt_id)}: outcome unknown: COMMIT was sent "
            f"and failed ({cause}). Do not retry; {advice}."
        )


class AfterCommitError(FsmCoreError):
    """The transition is committed; what ran after it failed. Read ``__cause__`` for what."""

    def __init__(self, attempt_id: str, file_path: str, state: str, version: int) -> None:
        self.attempt_id = attempt_id
        self.file_path = file_path
        self.state = state
        self.version = version
        super().__init__(
            f"{shown(file_path)}: attempt {shown(attempt_id)} is committed as state {state!r} at "
            f"version {version}, and a callback after the commit failed. Do not retry."
        )


class AttemptReusedError(FsmCoreError):
    """This attempt id is in the journal or under way. Nothing was written by this call."""

    def __init__(self, attempt_id: str) -> None:
        self.attempt_id = attempt_id
        super().__init__(
            f"attempt id {shown(attempt_id)!r} is used already; an id names one attempt. "
            f"Ask outcome_of({shown(attempt_id)!r}), and give a new attempt a new id."
        )


class FileNotTrackedError(FsmCoreError):
    """The store has no row for this key."""

    def __init__(self, file_path: str) -> None:
        self.file_path = file_path
        super().__init__(
            f"{shown(file_path)}: not tracked: no row has this key. Call store.track() first."
        )


class FileAlreadyTrackedError(FsmCoreError):
    """The store has a row for this key, so it cannot be tracked anew."""

    def __init__(self, file_path: str) -> None:
        self.file_path = file_path
        super().__init__(f"{shown(file_path)}: already tracked. Read it, or choose another key.")


class InvalidKeyError(FsmCoreError, ValueError):
    """A key, an attempt id or another text that SQLite cannot hold exactly."""


class StoreUnavailableError(FsmCoreError):
    """The database cannot be opened, read or written now: missing, read-only, full, failing."""


class StoreCorruptError(FsmCoreError):
    """The file is not a database, or is damaged."""


class SchemaMismatchError(FsmCoreError):
    """The database is sound, and is not laid out as the schema says."""


class UnknownStateError(SchemaMismatchError):
    """A row holds a state that the lifecycle lacks."""

    def __init__(self, file_path: str, state: object, states: Iterable[str]) -> None:
        self.file_path = file_path
        self.state = state
        self.states = tuple(sorted(states))
        super().__init__(
            f"{shown(file_path)}: the row is in state {state!r}, which the lifecycle lacks; it has "
            f"{_listed(self.states)}. Mend the row or use the lifecycle that wrote it."
        )
