"""The groups of benchmarks: what each asks, and where its databases lie."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass


class Place(enum.Enum):
    """Where databases lie unless ``--folder`` says so."""

    MEMORY = "memory"
    DISK = "disk"


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A file ``test_NAME.py``. ``in_short`` says whether it runs when no group is named."""

    sentence: str
    about_s: int
    place: Place = Place.MEMORY
    in_short: bool = True


GROUPS: Mapping[str, Group] = {
    "counts": Group(sentence="what a transition does, counted in lock-step", about_s=30),
    "syncs": Group(
        sentence="how often a commit waits for the disk, counted in lock-step",
        about_s=10,
        place=Place.DISK,
    ),
    "ladder": Group(sentence="what a transition costs, layer by layer", about_s=25),
    "contention": Group(
        sentence="writers, and what gets in their way, for every connection model", about_s=40
    ),
    "scaling": Group(
        sentence="more tasks, more processes, arrivals at a rate, for every model", about_s=40
    ),
    "memory": Group(
        sentence="100,000 transitions leave nothing behind that grows", about_s=240, in_short=False
    ),
    "growth": Group(
        sentence="a transition's cost from 100 to 1,000,000 files", about_s=60, in_short=False
    ),
    "gate": Group(
        sentence="the four that a gate times in pairs of processes", about_s=5, in_short=False
    ),
    "simulation": Group(
        sentence="schedules a second, beside plain sqlite3", about_s=15, in_short=False
    ),
}

SHORT = tuple(name for name, group in GROUPS.items() if group.in_short)
