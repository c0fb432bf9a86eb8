"""Ways to fail that a schedule may spend: one class a way, each by real means.

``failing_calls`` lets SQLite answer one call with an error of its own, ``crash`` ends the process,
``wall_clock`` sets the clock that people read.
"""

from properties.simulation.faults.crash import CRASH, Crash
from properties.simulation.faults.failing_calls import (
    DENIED,
    FULL,
    INTERRUPTED,
    INTERRUPTED_LATE,
    FailingCall,
)
from properties.simulation.faults.wall_clock import CLOCK_FAULTS, WallClockMoves, WallClockStops

__all__ = [
    "CLOCK_FAULTS",
    "CRASH",
    "DENIED",
    "FULL",
    "INTERRUPTED",
    "INTERRUPTED_LATE",
    "Crash",
    "FailingCall",
    "WallClockMoves",
    "WallClockStops",
]
