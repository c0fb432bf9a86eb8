"""A wall clock that steps back, stands still or jumps ahead.

The Nth reading by the subject (``now``, which its factory takes) is off, alone or with all later
ones; meanwhile ``time.time`` is off as well, for libraries that read it. ``time.monotonic`` is left
alone: on Linux it never steps, and the event loop lives by it.

Choices: a subject whose factory takes no ``now`` has no operations here; it is not struck.
"""

from __future__ import annotations

import functools
import inspect
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from properties.faults.plan import Fault, Means, Phase, Repeat, Strike
from properties.subjects.protocol import Offer, SubjectFactory

_time = time.time
Skew = Callable[[datetime, datetime], datetime]
"""What a clock says, of the time now and of the first time that it was asked."""


def with_clock(factory: SubjectFactory, now: Callable[[], datetime]) -> SubjectFactory:
    """Return the factory of a subject with this clock; the same one if it takes none."""
    clocked = functools.partial(factory, now=now)  # type: ignore[call-arg]
    try:
        inspect.signature(clocked).bind()
    except (TypeError, ValueError):
        return factory
    return clocked


class ClockStrike(Strike):
    """Gives the wrong time at the Nth reading."""

    def __init__(self, fault: Fault, *, skew: Skew) -> None:
        """Right until it is due."""
        super().__init__(fault)
        self._skew = skew
        self._first: datetime | None = None

    def made_with(self, factory: SubjectFactory) -> SubjectFactory:
        """Give the subject this clock, if it takes one."""
        return with_clock(factory, self._now)

    def _now(self) -> datetime:
        now = datetime.now(UTC)
        self._first = self._first or now
        if not self.is_due("the clock is wrong"):
            return now
        if self.fault.repeat is Repeat.PERSISTENTLY:
            vars(time)["time"] = self._time
        return self._skew(now, self._first)

    def _time(self) -> float:
        now = datetime.fromtimestamp(_time(), UTC)
        return self._skew(now, self._first or now).timestamp()

    def lift(self) -> None:
        """Set it right."""
        vars(time)["time"] = _time


def _means(name: str, skew: Skew) -> Means:
    return Means(
        name=name,
        fault="wall clock",
        operation="reading of the clock",
        strike=functools.partial(ClockStrike, skew=skew),
        phases=(Phase.ATTEMPT,),
        depends_on=("python-statemachine",),
        needs_one_of=frozenset({Offer.CLOCK}),
    )


CLOCKS = (
    _means("clock-steps-back", lambda now, _first: now - timedelta(days=400)),
    _means("clock-stands-still", lambda _now, first: first),
    _means("clock-jumps-ahead", lambda now, _first: now + timedelta(days=4000)),
)
