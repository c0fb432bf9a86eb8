"""Everything that happened in a run, in order: stable text, and a digest of it.

Two runs of the same choices have the same transcript, whatever the carrier, the Python or the
hash seed; ``first_difference`` names the first event where two do not. Events are kept as they
come and formatted late, because most transcripts are never read.
"""

from __future__ import annotations

import enum
import hashlib
import re
import sqlite3
from typing import NamedTuple

_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


class Kind(enum.Enum):
    """What an event tells."""

    CHOICE = "choice"
    CALL = "call"
    LAND = "land"
    CLOCK = "clock"
    FAULT = "fault"
    NOTE = "note"
    LOOP_ERROR = "loop error"


class Event(NamedTuple):
    """One event. ``at_s`` is virtual time; ``what`` and ``result`` depend on the kind."""

    at_s: float
    actor: str
    kind: Kind
    what: object
    result: object = None

    def __str__(self) -> str:
        """Return one line of stable text."""
        line = f"{self.at_s * 1000:10.3f} {self.actor:<8} {self.kind.value:<6} {plain(self.what)}"
        return line if self.result is None else f"{line} -> {plain(self.result)}"


class CallText(NamedTuple):
    """A database call: the worker that ran it, the method, its SQL and parameters."""

    worker: str
    operation: str
    sql: str | None
    parameters: object

    def __str__(self) -> str:
        """Return the call without its line breaks."""
        parts = [self.worker, self.operation]
        if self.sql is not None:
            parts.append(" ".join(self.sql.split()))
        if self.parameters:
            parts.append(plain(self.parameters))
        return " ".join(parts)


class Failure(NamedTuple):
    """An exception, as text that two runs print alike."""

    type_name: str
    code: str
    message: str

    def __str__(self) -> str:
        """Return one line."""
        code = f" {self.code}" if self.code else ""
        return f"{self.type_name}{code}: {self.message}"


def failure(error: BaseException) -> Failure:
    """Return what is worth keeping of an exception; keeps nothing of it alive."""
    codes = (getattr(each, "sqlite_errorname", None) for each in (error, error.__cause__))
    code = next(filter(None, codes), "")
    return Failure(type(error).__name__, code, _ADDRESS.sub("", str(error)))


def result_of(value: object) -> object:
    """Return what a call gave back without keeping a cursor alive: that would change locking."""
    if value is None:
        return None
    if isinstance(value, list):
        return tuple(value)
    if isinstance(value, sqlite3.Cursor):
        return f"{value.rowcount} rows" if value.rowcount >= 0 else "cursor"
    if isinstance(value, sqlite3.Connection):
        return "connection"
    if isinstance(value, (bool, int, float, str, bytes, tuple)):
        return value
    return type(value).__name__


def plain(value: object) -> str:
    """Return text without addresses."""
    if isinstance(value, (str, CallText, Failure)):
        return str(value)
    return _ADDRESS.sub("", repr(value))


class Transcript:
    """The events of one run."""

    __slots__ = ("events",)

    def __init__(self) -> None:
        """Hold nothing."""
        self.events: list[Event] = []

    def lines(self) -> list[str]:
        """Return one line an event."""
        return [str(event) for event in self.events]

    def digest(self) -> str:
        """Return the SHA-256 of the text."""
        return hashlib.sha256("\n".join(self.lines()).encode()).hexdigest()

    def calls(self) -> list[str]:
        """Return the database calls with their results, in order, by actor."""
        return [
            f"{event.actor}: {plain(event.what)} -> {plain(event.result)}"
            for event in self.events
            if event.kind is Kind.CALL
        ]


def first_difference(one: Transcript, other: Transcript) -> str | None:
    """Return where two transcripts part, with the last event they share; None when they do not."""
    left, right = one.lines(), other.lines()
    for index in range(max(len(left), len(right))):
        a = left[index] if index < len(left) else "(the run ended)"
        b = right[index] if index < len(right) else "(the run ended)"
        if a != b:
            before = left[index - 1] if index else "(nothing)"
            return f"event {index}, after:\n    {before}\nfirst:\n    {a}\nsecond:\n    {b}"
    return None
