"""Which simulation this process runs now: at most one, and none most of the time.

Patched names stay patched while a simulation is open, and ask here whom they serve. With nobody
running they behave as the originals.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from properties.simulation.simulation import Simulation

_running: list[Simulation] = []


def running() -> Simulation | None:
    """Return the simulation whose code is executing now, if any."""
    return _running[-1] if _running else None


def enter(simulation: Simulation) -> None:
    """Begin to serve ``simulation``; raises RuntimeError when another one runs."""
    if _running:
        raise RuntimeError("a simulation runs already in this process; one at a time.")
    _running.append(simulation)


def leave() -> None:
    """Serve nobody."""
    _running.clear()
