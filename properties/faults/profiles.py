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

    @property
    def points(self) -> tuple[int | None, int | None]:
        """Return both limits."""
        return self.attempt_points, self.other_points

    def point_limit(self, phase: Phase) -> int | None:
        """Return how many points of this phase are struck, a repeat."""
        return self.attempt_points if phase is Phase.ATTEMPT else self.other_points


PROFILES = {
    "dev": Profile(subjects=("statemachine",), attempt_points=180, other_points=4),
    "ci": Profile(subjects=ALL, other_points=60),
    "nightly": Profile(subjects=ALL),
}
