"""The polite schedule: every actor goes on until it must wait. Deviations are counted from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from properties.simulation.scheduler import Point


class PoliteScheduler:
    """Always 0."""

    def begin(self) -> None:
        """Start a run."""

    def choose(self, n: int, point: Point) -> int:  # noqa: ARG002 - the seam's signature
        """Return 0."""
        return 0
