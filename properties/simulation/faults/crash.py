"""The process dies between two steps: nothing of it runs on, and nothing that was not sent is.

What a kill leaves of a process is its file as SQLite has written it: every COMMIT that ran, and
none that was only submitted. So all connections are closed without a word to their owners (SQLite
rolls an open transaction back, as recovery would), calls and results under way are dropped, and
no callback, timer or task of the dead runs again. The scenario wakes up as the next process and
opens everything anew.

Choices. The operating system survives: this is no power loss, what a COMMIT wrote is in the file.
A connection that is closed checkpoints if it is the last one, where a killed process leaves its
WAL to be recovered; the simulation keeps one of its own open, so it is not.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from properties.simulation import footprints

if TYPE_CHECKING:
    from properties.simulation.actor import Actor
    from properties.simulation.performing import Performing
    from properties.simulation.scheduler import Footprint
    from properties.simulation.world import World


@dataclass(frozen=True, slots=True)
class Crash:
    """Only where a scenario waits for it (``World.death``), and not twice for one death."""

    name: str = "crash"

    def actors(self, simulation: World) -> Iterable[Actor]:
        """Return the scenario's main actor, nobody's in particular, where no callback is ready."""
        can_die = simulation.is_mortal and not simulation.loop.has_ready()
        return simulation.actors[:1] if can_die else ()

    def strike(self, simulation: Performing, actor: Actor) -> Footprint:  # noqa: ARG002
        """Let everybody die."""
        simulation.die()
        return footprints.EVERYTHING


CRASH = Crash()
