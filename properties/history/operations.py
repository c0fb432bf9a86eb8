"""Operations with a beginning and an end in logical time, and their picture as text."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

from properties.subjects import Answer, AnswerKind, Request

TIMELINE_LINES = 22


class Clock:
    """Counts calls and returns: a total order that real time cannot blur."""

    def __init__(self) -> None:
        """Begin at 1."""
        self._ticks = itertools.count(1)

    def tick(self) -> int:
        """Return the next moment."""
        return next(self._ticks)


@dataclass(slots=True)
class Operation:
    """One attempt, or one write by an outsider. ``end`` and ``answer`` are None while it runs."""

    actor: str
    request: Request
    begin: int
    end: int | None = None
    answer: Answer | None = None
    marks: list[tuple[int, str]] = field(default_factory=list)

    @property
    def attempt_id(self) -> str:
        """The attempt's id."""
        return self.request.attempt_id

    @property
    def kind(self) -> AnswerKind:
        """What the caller was told; asks only of an ended operation."""
        if self.answer is None:
            raise RuntimeError(f"{self.attempt_id} has not ended")
        return self.answer.kind

    def overlaps(self, begin: int, end: float) -> bool:
        """Whether this operation and the closed interval share a moment."""
        return self.begin <= end and begin <= (self.end if self.end is not None else float("inf"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One read of a row by ``actor``: what it saw, and when it was under way."""

    actor: str
    file_path: str
    begin: int
    end: int
    state: str
    version: int


def timeline(operations: list[Operation], settled_at: int = 0) -> str:
    """Return calls, marks and returns in logical time, the latest ones if there are many.

    What came up to ``settled_at``, when every law still held, is only counted.
    """
    moments: list[tuple[int, str]] = []
    for operation in operations:
        request = operation.request
        expected = request.expected_version
        asked = f"{request.event} {request.file_path!r}"
        if expected is not None:
            asked += f" expecting version {expected}"
        moments.append((operation.begin, f"{operation.attempt_id:<10} -> {asked}"))
        moments.extend(
            (moment, f"{operation.attempt_id:<10}    {mark}") for moment, mark in operation.marks
        )
        if operation.end is not None and operation.answer is not None:
            answer = operation.answer
            told = answer.kind.value
            if answer.version is not None:
                told += f": {answer.to_state!r} at version {answer.version}"
            elif answer.detail:
                told += f": {answer.detail}"
            moments.append((operation.end, f"{operation.attempt_id:<10} <- {told}"))
    moments.sort()
    later = [each for each in moments if each[0] > settled_at]
    shown = later[-TIMELINE_LINES:]
    lines = [f"{moment:>5}  {what}"[:120] for moment, what in shown]
    if len(later) > len(shown):
        lines.insert(0, f"    …  {len(later) - len(shown)} earlier moments")
    if len(moments) > len(later):
        lines.insert(0, f"    …  {len(moments) - len(later)} moments, after which every law held")
    return "\n".join(lines)
