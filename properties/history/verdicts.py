"""What a checker says of a history: ok, illegal with the two that disagree, or unknown."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from properties.history.records import Kind, Outcome, Record

BEGINNING = "the beginning"
NEIGHBOUR_COUNT = 2


class Finding(enum.Enum):
    """The verdict on a history. Unknown is no pass."""

    OK = "ok"
    ILLEGAL = "illegal"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contradiction:
    """Two operations that cannot both be true, and the rule that says so.

    ``first`` is None where an operation contradicts what the key held in the beginning, and the
    same as ``second`` where it contradicts itself.
    """

    rule: str
    first: Record | None
    second: Record
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """A finding. ``contradiction`` is there when it is illegal, ``reason`` when it is unknown."""

    finding: Finding
    key: str | None = None
    contradiction: Contradiction | None = None
    reason: str | None = None
    picture: str = ""

    def told(self) -> str:
        """Return it for a reader: the sentence, and the timeline of those concerned."""
        if self.contradiction is not None:
            return f"{self.key}: {self.contradiction.sentence}\n\n{self.picture}"
        if self.reason is not None:
            return f"{self.key}: {self.reason}" if self.key is not None else self.reason
        return self.finding.value


def asked(record: Record) -> str:
    """Return what was called."""
    if record.kind is Kind.READ:
        return "read"
    expected = "any version" if record.expected is None else f"version {record.expected}"
    source = "" if record.from_value is None else f" at {record.from_value!r}"
    target = "" if record.value is None else f" to {record.value!r}"
    return f"compare-and-set {expected}{source}{target}"


def answered(record: Record) -> str:
    """Return what it ended with."""
    if record.outcome is Outcome.UNKNOWN:
        return "unknown"
    if record.outcome is Outcome.OK:
        return f"ok: {record.value!r} at version {record.version}"
    reasons = []
    if record.is_stale:
        reasons.append(f"the version is not {record.expected}")
    if record.only_in is not None:
        told = ", ".join(sorted(record.only_in)) or "nothing"
        reasons.append(f"the value is one of: {told}")
    return f"fail: {' and '.join(reasons)}" if reasons else "fail"


def picture(records: Iterable[Record], concerned: Sequence[Record]) -> str:
    """Return calls and returns in order: those concerned, marked, and a few that ran beside."""
    shown = {each.name: each for each in concerned}
    begin = min((each.call for each in concerned), default=0)
    end = max((each.end for each in concerned), default=0)
    beside = [
        each
        for each in records
        if each.name not in shown and each.says_something and each.end >= begin and each.call <= end
    ]
    beside.sort(key=lambda each: each.call)
    marks = dict.fromkeys(shown, "*")
    shown |= {each.name: each for each in beside[:NEIGHBOUR_COUNT]}
    width = max(map(len, shown), default=0)
    moments: list[tuple[int, int, str]] = []
    for each in shown.values():
        start = f"{marks.get(each.name, ' ')} {each.name:<{width}}"
        moments.append((each.call, 0, f"{start}  -> {asked(each)}"))
        if each.ret is not None:
            moments.append((each.ret, 1, f"{start}  <- {answered(each)}"))
    lines = [f"{moment:>6} {what}"[:120] for moment, _, what in sorted(moments)]
    lines += [
        f"{'':>6} {marks.get(each.name, ' ')} {each.name:<{width}}     never returned"
        for each in shown.values()
        if each.ret is None
    ]
    left_out = len(beside) - NEIGHBOUR_COUNT
    if left_out > 0:
        lines.append(f"{'':>6}   and {left_out} that ran beside them")
    return "\n".join(lines)
