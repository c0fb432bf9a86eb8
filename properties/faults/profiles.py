"""How much is struck: subjects, and how many points of each enumeration."""

from __future__ import annotations

from dataclasses import dataclass

from properties.faults.plan import Phase

ALL = ("statemachine", "statemachine-unlocked", "handrolled", "handrolled-unlocked")


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """``attempt_points`` of an attempt and ``other_points`` of other calls, None: all of them."""

    subjects: tuple[str, ...]
    attempt_points: int | None = None
    other_points: int | None = None

    def point_limit(self, phase: Phase) -> int | None:
        """Return how many points of this phase are struck, a repeat."""
        return self.attempt_points if phase is Phase.ATTEMPT else self.other_points


PROFILES = {
    "law": Profile(subjects=ALL, attempt_points=12, other_points=0),
    "dev": Profile(subjects=("statemachine",), other_points=12),
    "ci": Profile(subjects=ALL),
    "nightly": Profile(subjects=ALL),
}
