"""What a schedule may spend beyond the order of calls and landings, and what it has spent."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from properties.simulation.actor import Actor
    from properties.simulation.performing import Performing
    from properties.simulation.scheduler import Footprint
    from properties.simulation.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What a schedule may spend beyond the order of calls and landings.

    ``cancellations`` strike any actor, between any two callbacks. ``early_clocks`` move the clock
    while something else could still happen, to the first or the second timer. ``overlaps`` let a
    call meet another worker's pending write, so that SQLite answers BUSY.
    ``callbacks_interleave`` also lets calls, landings and the clock happen between two callbacks.
    ``faults`` strike at most ``fault_count`` times together.
    """

    cancellations: int = 0
    early_clocks: int = 0
    overlaps: int = 0
    callbacks_interleave: bool = False
    faults: tuple[Fault, ...] = ()
    fault_count: int = 0
    step_limit: int = 20_000


class Fault(Protocol):
    """A way to fail that a schedule may spend; ``faults`` holds those that there are."""

    @property
    def name(self) -> str:
        """Its name in options and transcripts."""
        ...

    def actors(self, simulation: World) -> Iterable[Actor]:
        """Return whom it can strike now."""
        ...

    def strike(self, simulation: Performing, actor: Actor) -> Footprint:
        """Happen; return what was touched."""
        ...


@dataclass(slots=True)
class Spent:
    """What a run has spent of its budget."""

    cancellations: int = 0
    early_clocks: int = 0
    overlaps: int = 0
    faults: int = 0
