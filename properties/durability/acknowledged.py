"""The list of what was acknowledged: the truth that the database is held against."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

SHOWN = 5


@dataclass(slots=True, kw_only=True)
class Acknowledged:
    """Every ordinal that a writer told after its COMMIT had returned."""

    ordinals: dict[int, set[int]] = field(default_factory=dict)
    count: int = 0
    twice: list[str] = field(default_factory=list)

    def note(self, writer: int, ordinal: int) -> None:
        """Take one acknowledgement; a second one of the same attempt is wrong in itself."""
        known = self.ordinals.setdefault(writer, set())
        if ordinal in known:
            self.twice.append(f"writer {writer} was told twice that {ordinal} is committed")
        known.add(ordinal)
        self.count += 1

    def last(self, writer: int) -> int:
        """Return the highest ordinal heard of a writer; 0 for none."""
        return max(self.ordinals.get(writer, ()), default=0)

    def copy(self) -> dict[int, frozenset[int]]:
        """Return what must be there for anybody who looks from now on."""
        return {writer: frozenset(ordinals) for writer, ordinals in self.ordinals.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """What one re-read found: how many acknowledgements were looked for, and what is wrong."""

    reread_count: int
    lost_count: int
    findings: tuple[str, ...]
    integrity: str


def judged(expected: Mapping[int, frozenset[int]], told: str) -> Audit:
    """Hold one audit's answer against what had been acknowledged before it was asked for."""
    answer: dict[str, Any] = json.loads(told)
    findings, lost_count = list(answer["wrong"]), 0
    for writer, ordinals in sorted(expected.items()):
        there = {
            ordinal
            for begin, end in answer["journal"].get(str(writer), [])
            for ordinal in range(begin, end + 1)
        }
        if lost := sorted(ordinals - there):
            lost_count += len(lost)
            shown = ", ".join(map(str, lost[:SHOWN]))
            more = f" and {len(lost) - SHOWN} more" if len(lost) > SHOWN else ""
            findings.append(f"acknowledged by writer {writer} and gone: {shown}{more}")
    return Audit(
        reread_count=sum(map(len, expected.values())),
        lost_count=lost_count,
        findings=tuple(findings),
        integrity=str(answer["integrity"]),
    )
