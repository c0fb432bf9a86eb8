"""The wall clock is set, or stands still; the loop's own time goes on as it does.

NTP, an administrator or a resumed machine moves ``time.time`` and ``datetime.now``, forwards and
backwards. ``monotonic`` and asyncio's timers do not follow, and nothing that decides may either.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from properties.simulation import footprints
from properties.simulation.scheduler import Footprint

if TYPE_CHECKING:
    from properties.simulation.actor import Actor
    from properties.simulation.performing import Performing
    from properties.simulation.world import World

HOUR_S = 3600.0
YEAR_S = 365 * 24 * HOUR_S


@dataclass(frozen=True, slots=True, kw_only=True)
class WallClockMoves:
    """It is set by ``by_s`` seconds, once."""

    name: str
    by_s: float

    def actors(self, simulation: World) -> Iterable[Actor]:
        """Return the scenario's main actor: it is nobody's in particular."""
        return simulation.actors[:1]

    def strike(self, simulation: Performing, actor: Actor) -> Footprint:  # noqa: ARG002
        """Set it."""
        simulation.wall_offset_s += self.by_s
        return Footprint(0, footprints.CLOCK)


@dataclass(frozen=True, slots=True, kw_only=True)
class WallClockStops:
    """It shows the same second from now on."""

    name: str = "the wall clock stops"

    def actors(self, simulation: World) -> Iterable[Actor]:
        """Return the scenario's main actor, while the clock still goes."""
        return simulation.actors[:1] if simulation.wall_stopped_s is None else ()

    def strike(self, simulation: Performing, actor: Actor) -> Footprint:  # noqa: ARG002
        """Stop it."""
        simulation.wall_stopped_s = simulation.read_wall()
        return Footprint(0, footprints.CLOCK)


CLOCK_FAULTS = (
    WallClockMoves(name="the wall clock steps back", by_s=-HOUR_S),
    WallClockMoves(name="the wall clock jumps", by_s=YEAR_S),
    WallClockStops(),
)
