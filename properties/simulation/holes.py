"""Mistakes planted in the search: containment must catch each, or its comparison proves nothing."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from properties.simulation import footprints
from properties.simulation.budget import Budget
from properties.simulation.schedulers import exhaustive, path
from properties.simulation.simulation import Simulation


@dataclass(frozen=True, slots=True, kw_only=True)
class Hole:
    """A mistake planted in the search, and a scenario in which it must show.

    ``budget`` replaces the scenario's own; ``spend`` is what the damaged search gets less of.
    ``is_small`` adds every schedule, unreduced, to the walks; ``walk_count`` is how many it takes
    at least, for what chance shows seldom.
    """

    name: str
    scenario: str
    budget: Budget | None = None
    is_small: bool = False
    walk_count: int = 0
    plant: Callable[[], contextlib.AbstractContextManager[None]]
    spend: dict[str, Any] = field(default_factory=dict)


@contextlib.contextmanager
def _changed(owner: object, name: str, value: object) -> Iterator[None]:
    original = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, original)


def _without(field_name: str) -> Callable[[], contextlib.AbstractContextManager[None]]:
    """Return a plant that loses one kind of footprint."""

    def plant() -> contextlib.AbstractContextManager[None]:
        return _changed(footprints, field_name, footprints.NOTHING)

    return plant


def _text_rule(
    field_name: str, value: object
) -> Callable[[], contextlib.AbstractContextManager[None]]:
    """Return a plant that reads the text of statements otherwise."""

    @contextlib.contextmanager
    def plant() -> Iterator[None]:
        with _changed(footprints, field_name, value):
            footprints.forget_texts()
            yield
        footprints.forget_texts()

    return plant


def _no_cancellation_inside() -> contextlib.AbstractContextManager[None]:
    return _changed(Simulation, "decide_at_ready", lambda _self: True)


@contextlib.contextmanager
def _scripts_are_their_first_word() -> Iterator[None]:
    methods = footprints._ONE_STATEMENT | {"executescript"}
    with (
        _changed(footprints, "_ONE_STATEMENT", methods),
        _text_rule("_SEVERAL", re.compile(r"(?!)"))(),
    ):
        yield


def _locks_unseen() -> contextlib.AbstractContextManager[None]:
    return _changed(footprints, "LOCKS", 0)


def _timers_never_meet() -> contextlib.AbstractContextManager[None]:
    return _changed(exhaustive.ExhaustiveScheduler, "clock_interferes", lambda _self: None)


def _sleepers_never_wake() -> contextlib.AbstractContextManager[None]:
    return _changed(path.Sleeper, "after", lambda self, _step: self)


def _nobody_else_is_needed() -> contextlib.AbstractContextManager[None]:
    return _changed(path.Node, "meets", lambda _self, _step: set())


def _everybody_can_act() -> contextlib.AbstractContextManager[None]:
    return _changed(path.Node, "can_act", lambda _self, _actor: True)


def _standstill_is_a_wall() -> contextlib.AbstractContextManager[None]:
    def pass_on(node: path.Node) -> None:
        node.spare_clocks = 0
        original(node)

    original = path.Node.pass_on
    return _changed(path.Node, "pass_on", pass_on)


def _memory_unseen() -> contextlib.AbstractContextManager[None]:
    return _changed(footprints, "SHARED", 0)


def _queues_unseen() -> contextlib.AbstractContextManager[None]:
    return _changed(footprints, "QUEUES", 0)


def _one_order_of_beginnings() -> contextlib.AbstractContextManager[None]:
    return _changed(Simulation, "expect", Simulation.start)


HOLES = (
    Hole(
        name="no BUSY overlap",
        scenario="lone-2",
        plant=contextlib.nullcontext,
        spend={"overlaps": 0},
    ),
    Hole(
        name="no cancellation between landing and waking",
        scenario="watched-2",
        plant=_no_cancellation_inside,
    ),
    Hole(
        name="no early or late timer",
        scenario="in-time-2",
        plant=contextlib.nullcontext,
        spend={"early_clocks": 0},
    ),
    Hole(name="a commit that nobody notices", scenario="mixed-2", plant=_without("_published")),
    Hole(name="a read that nobody notices", scenario="kept-occ-2", plant=_without("_read")),
    Hole(
        name="no write lock in the footprints", scenario="transactions-2", plant=_without("_taken")
    ),
    Hole(
        name="a write that ends with its cursor, unseen",
        scenario="returning-2",
        budget=Budget(),  # an overlap would show the same BUSY
        plant=_text_rule("_NOT_AT_ONCE", re.compile(r"(?!)")),
    ),
    Hole(
        name="what others commit is no row",
        scenario="data-version-2",
        plant=_text_rule("_LAYOUT_ONLY", re.compile(r".*\bFROM\s+pragma_\w+.*")),
    ),
    Hole(
        name="a look at the layout sees no rows",
        scenario="layout-and-rows-2",
        plant=_text_rule("_LAYOUT_ONLY", re.compile(r".*\bFROM\s+sqlite_schema\b.*")),
    ),
    Hole(
        name="a script is its first word",
        scenario="script-begin-2",
        plant=_scripts_are_their_first_word,
    ),
    Hole(
        name="a script that reads first only reads",
        scenario="script-select-2",
        plant=_scripts_are_their_first_word,
    ),
    Hole(name="locks of asyncio unseen", scenario="tickets-3", plant=_locks_unseen),
    Hole(name="a connection's queue unseen", scenario="shared-2", plant=_queues_unseen),
    Hole(
        name="memory of a store unseen",
        scenario="doubted-2",
        walk_count=2000,
        plant=_memory_unseen,
    ),
    Hole(
        name="timers that never meet a step",
        scenario="in-time-2",
        budget=Budget(early_clocks=1),
        is_small=True,
        plant=_timers_never_meet,
    ),
    Hole(name="beginnings in one order only", scenario="locks-2", plant=_one_order_of_beginnings),
    Hole(name="sleepers that never wake", scenario="occ-2", plant=_sleepers_never_wake),
    Hole(name="nobody else is needed", scenario="occ-2", plant=_nobody_else_is_needed),
    Hole(
        name="whoever is needed can act",
        scenario="pause-2",
        budget=Budget(early_clocks=1),
        is_small=True,
        plant=_everybody_can_act,
    ),
    Hole(
        name="an early timer after which nothing comes earlier",
        scenario="pause-2",
        budget=Budget(early_clocks=1),
        is_small=True,
        plant=_standstill_is_a_wall,
    ),
)
