"""What a depth-first search remembers of the schedule it is on: one node a choice point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from properties.simulation import footprints
from properties.simulation.scheduler import Action, Footprint, Option

OWN_STEPS = frozenset({Action.CALL, Action.LAND, Action.START})
"""What an actor does by itself, and nobody can prevent."""

BUDGETS = footprints.FAULT_BUDGET | footprints.CLOCK_BUDGET | footprints.OVERLAP_BUDGET


@dataclass(slots=True)
class Sleeper:
    """An explored option, with what it touched when it ran; None for what is awake."""

    plain: Footprint | None
    variants: Footprint | None

    def after(self, step: Footprint) -> Sleeper | None:
        """Return what still sleeps after ``step``."""
        plain, variants = self.plain, self.variants
        if plain is not None and plain.conflicts(step):
            plain = None
        if variants is not None and variants.conflicts(step):
            variants = None
        if plain is None and variants is None:
            return None
        return Sleeper(plain, variants)


@dataclass(slots=True)
class Node:
    """A choice point on the current path.

    ``plain`` and ``variants`` are what the step that begins with the chosen option touched,
    ``below`` what all steps after it touched, by actor, and ``total`` both together for the
    options that are done. ``needed`` names the actors whose options must be explored here: nobody
    yet, or all when it is None. ``outer`` is the node at which the step before began.
    """

    options: Sequence[Option]
    inner: bool
    level: int = 0
    spare_clocks: int = 0
    spare_faults: int = 0
    chosen: int = 0
    order: Sequence[int] = ()
    explored: set[int] = field(default_factory=set)
    outer: Node | None = None
    needed: set[str] | None = field(default_factory=set)
    sleepers: dict[Option, Sleeper] = field(default_factory=dict)
    plain: Footprint | None = None
    variants: Footprint | None = None
    below: dict[str, Footprint] = field(default_factory=dict)
    total: dict[str, Footprint] = field(default_factory=dict)
    must_vary: bool = False
    must_not_vary: bool = False

    @property
    def option(self) -> Option:
        """The chosen option."""
        return self.options[self.chosen]

    def choose(self, index: int) -> None:
        """Take another option."""
        self.chosen = index
        self.plain = self.variants = None
        self.below = {}

    def close(self) -> Footprint:
        """Count the chosen option as explored, let it sleep, and return what its step touched."""
        option = self.option
        self.explored.add(self.chosen)
        known = self.sleepers.get(option)
        plain = self.plain if self.plain is not None else known.plain if known else None
        variants = self.variants if self.variants is not None else known.variants if known else None
        if variants is None:
            variants = footprints.NOTHING  # there were none
        self.sleepers[option] = Sleeper(plain, variants)
        step = plain.joined(variants) if plain is not None else variants
        _join(self.total, {option.actor: step})
        _join(self.total, self.below)
        return step

    def pass_on(self) -> None:
        """Tell the node before what happened from here on, if it could have happened before it.

        Where the clock is all that can move, everybody has done what he could: what comes after it
        cannot come before any of that, unless the schedule may still move the clock early.
        """
        if self.outer is None or (self.is_standstill and not self.spare_clocks):
            return
        _join(self.outer.below, self.total)

    @property
    def is_standstill(self) -> bool:
        """Whether only the clock can move, and need not be paid for."""
        return self.options[0].action is Action.CLOCK and not self.options[0].target

    @property
    def offers_clock(self) -> bool:
        """Whether a timer can fire here."""
        return any(option.action is Action.CLOCK for option in self.options)

    def can_act(self, actor: str) -> bool:
        """Return whether an actor can do something by himself here."""
        return any(each.actor == actor and each.action in OWN_STEPS for each in self.options)

    def meets(self, step: Footprint) -> set[str]:
        """Return who does, after the chosen option, something whose order with ``step`` matters."""
        own = Footprint(step.read, step.written & ~BUDGETS if step.written >= 0 else -1)
        return {actor for actor, other in self.below.items() if own.conflicts(other)}


def only_one_actor(step: Footprint) -> bool:
    """Return whether at most one actor took part."""
    bits = step.written // footprints.FIRST_ACTOR
    return step.written >= 0 and bits & (bits - 1) == 0


def _join(one: dict[str, Footprint], other: dict[str, Footprint]) -> None:
    for actor, step in other.items():
        known = one.get(actor)
        one[actor] = step if known is None else known.joined(step)
