"""A stand-in for pytest-benchmark's fixture, which the habit of tests switches off."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class PretendedRecorder:
    """Calls as `pedantic` does with more than one iteration, and times nothing."""

    def __init__(self) -> None:
        """Stand as a fresh fixture does."""
        self.has_error = False
        self.extra_info: dict[str, Any] = {}
        self.stats: Any = None

    def pedantic(
        self,
        target: Callable[[], None],
        *,
        teardown: Callable[[], None],
        rounds: int,
        iterations: int,
    ) -> None:
        """Run the rounds, and the one call more that pytest-benchmark makes for a result."""
        for _ in range(rounds):
            for _ in range(iterations):
                target()
            teardown()
        target()
        teardown()
