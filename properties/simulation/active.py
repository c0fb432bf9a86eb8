"""Which simulation this process runs now: at most one, and none most of the time.

Patched names stay patched while a simulation is open, and ask here whom they serve. With nobody
running they behave as the originals, and so they do in every thread that is not the simulation's:
a progress line beside it reads the real clock.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from threading import get_ident
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from properties.simulation.simulation import Simulation

_running: list[Simulation] = []
_threads: set[int] = set()


def running() -> Simulation | None:
    """Return the simulation whose code is executing now in this thread, if any."""
    return _running[-1] if _running and get_ident() in _threads else None


def enter(simulation: Simulation) -> None:
    """Begin to serve ``simulation``; raises RuntimeError when another one runs."""
    if _running:
        raise RuntimeError("a simulation runs already in this process; one at a time.")
    _running.append(simulation)
    join()


def leave() -> None:
    """Serve nobody."""
    _running.clear()
    part()


def join() -> None:
    """Count this thread as the simulation's."""
    _threads.add(get_ident())


def part() -> None:
    """Count this thread as the simulation's no more."""
    _threads.discard(get_ident())


@contextlib.contextmanager
def outside() -> Iterator[None]:
    """Let what happens in the block leave the simulation: it is the judge's own, and known."""
    simulation = running()
    if simulation is None:
        yield
        return
    was_paused, simulation.is_paused = simulation.is_paused, True
    try:
        yield
    finally:
        simulation.is_paused = was_paused
