"""A way to connect whose threads the simulation schedules."""

from __future__ import annotations

import dataclasses
import inspect

from benchmarks.models import Way
from properties.simulation.lanes import lane_here


def simulated(way: Way) -> Way:
    """Return the same way, on lanes of the simulation where the model has threads of its own."""
    if "lanes" not in inspect.signature(way.make).parameters:
        return way  # aiosqlite's threads are taken in charge by the simulation's seam
    return dataclasses.replace(way, options={**way.options, "lanes": lane_here})
