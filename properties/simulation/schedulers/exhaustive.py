"""Every inequivalent schedule of a small scenario, each once, and the news that none is left.

Depth-first search by running again from the start, reduced by sleep sets (P. Godefroid,
"Partial-Order Methods for the Verification of Concurrent Systems", 1996, chapter 5): after an
option was explored to its end at some point, it sleeps while its siblings are explored, until a
step conflicts with it. A schedule that could only go on with sleeping options is equivalent to one
that was seen, and is cut.

Choices. Footprints are observed, not guessed: an option sleeps with what it touched when it ran,
which holds as long as nothing that ran since conflicts with it. One step of the search is a whole
landing with the chain of callbacks that it sets off. A cancellation inside of such a chain makes a
*variant* of the step; the plain step and its variants sleep and wake apart, because a spent
budget wakes only the variants. Nothing is matched by state: too much of it is hidden.

A step that touched nothing shared is *private*: whatever the others do meanwhile, it does the
same, so its actor's options alone are a persistent set (chapter 4) and the others wait for a later
point. That leans on an actor with a database call outstanding not being woken by somebody else;
the simulation watches for it, and ``AssumptionError`` ends a search in which it does not hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from properties.simulation import footprints
from properties.simulation.footprints import NOTHING
from properties.simulation.scheduler import Action, Footprint, HarnessError, Option, PrunedRun

if TYPE_CHECKING:
    from properties.simulation.scheduler import Point


class NondeterminismError(HarnessError):
    """The same choices led to another choice point: something is not under control."""


class AssumptionError(HarnessError):
    """What the reduction leans on does not hold in this scenario; search with reduces=False."""


ALWAYS_SHARED = footprints.ROWS | footprints.WRITE_LOCK | footprints.LOCKS | footprints.SHARED
_OWN_STEPS = frozenset({Action.CALL, Action.LAND, Action.START})
_new = tuple.__new__  # twice as fast as calling a NamedTuple
CAN_BE_SHARED = footprints.LAYOUT | footprints.EVENTS | footprints.CLOCK
SHARED_WHEN_WRITTEN = footprints.LAYOUT | footprints.EVENTS


@dataclass(slots=True)
class _Sleeper:
    """An explored option; None for what is awake."""

    plain: Footprint | None
    variants: Footprint | None

    def after(self, step: Footprint) -> _Sleeper | None:
        """Return what still sleeps after ``step``."""
        plain, variants = self.plain, self.variants
        if plain is not None and plain.conflicts(step):
            plain = None
        if variants is not None and variants.conflicts(step):
            variants = None
        if plain is None and variants is None:
            return None
        return _Sleeper(plain, variants)


@dataclass(slots=True)
class _Node:
    """A choice point on the current path. ``plain`` and ``variants`` are of the chosen option."""

    options: Sequence[Option]
    inner: bool
    chosen: int = 0
    order: Sequence[int] = ()
    explored: set[int] = field(default_factory=set)
    outer: _Node | None = None
    only_actor: str | None = None
    shared_actors: set[str] = field(default_factory=set)
    sleepers: dict[Option, _Sleeper] = field(default_factory=dict)
    plain: Footprint | None = None
    variants: Footprint | None = None
    must_vary: bool = False
    must_not_vary: bool = False


class ExhaustiveScheduler:
    """Call ``advance`` after each run; it says whether another one is left.

    ``reduces=False`` explores every schedule, equivalent or not: slow, and beyond doubt.
    """

    def __init__(self, *, reduces: bool = True) -> None:
        """Begin with the polite schedule."""
        self._reduces = reduces
        self._path: list[_Node] = []
        self._root = _Node((), inner=False)
        self._depth = 0
        self._segment = NOTHING
        self._last_outer = self._root
        self._has_varied = False
        self._shared = ALWAYS_SHARED
        self._must_restart = False
        self._clock_interferes = False
        self.is_cut = False

    def begin(self) -> None:
        """Start a run at the root."""
        self._depth = 0
        self._segment = NOTHING
        self._last_outer = self._root
        self._has_varied = False
        self.is_cut = False

    def touched(self, footprint: Footprint) -> None:
        """Add to what the running step has touched."""
        segment = self._segment
        self._segment = _new(Footprint, (segment[0] | footprint[0], segment[1] | footprint[1]))
        if self._shared & CAN_BE_SHARED == CAN_BE_SHARED:
            return
        found = footprint.written & SHARED_WHEN_WRITTEN & ~self._shared
        if footprint.written & footprints.CLOCK_BUDGET:
            found |= footprints.CLOCK & ~self._shared
        if found:
            self._shared |= found
            self._must_restart = True  # steps that only read this were taken for private

    def locks_are_shared(self) -> None:
        """Start again: steps that touched such a lock were taken for private."""
        self._must_restart = True

    def clock_interferes(self) -> None:
        """Take timers from now on for something that may meet any step."""
        if not self._clock_interferes:
            self._clock_interferes = self._must_restart = True

    def broken_assumption(self, what: str) -> None:
        """Give up: the reduction is not sound here."""
        if self._reduces:
            raise AssumptionError(f"{what}. Search with reduces=False.")

    def choose(self, n: int, point: Point) -> int:  # noqa: ARG002 - the options say it
        """Go along the current path, and beyond its end take the first option not asleep."""
        return self._at(point)

    def forced(self, point: Point) -> None:
        """See whether the only step there is sleeps; then this run is known."""
        self._at(point)

    def end(self) -> None:
        """Close the last step of a run that was not cut."""
        self._close_step()

    def _at(self, point: Point) -> int:
        if not point.inner:
            self._close_step()
        if self._depth == len(self._path):
            self._path.append(self._new_node(point))
        node = self._path[self._depth]
        if node.options != point.options:
            raise NondeterminismError(
                f"choice point {self._depth} offered {list(node.options)}, now "
                f"{list(point.options)}. Something that the simulation does not control decides."
            )
        self._depth += 1
        if node.inner:
            self._has_varied |= node.chosen > 0
        else:
            self._last_outer, self._segment, self._has_varied = node, NOTHING, False
        return node.chosen

    def _close_step(self) -> None:
        """Give the step that has ended to the node that it began at."""
        node = self._last_outer
        if self._has_varied:
            known = node.variants
            node.variants = self._segment if known is None else known.joined(self._segment)
        else:
            if node.must_vary:
                self._cut()
            node.plain = self._segment

    def _new_node(self, point: Point) -> _Node:
        outer = self._last_outer
        node = _Node(point.options, inner=point.inner, outer=outer)
        if not self._reduces:
            node.order = range(len(node.options))
            return node
        if point.inner:
            node.must_not_vary = outer.must_not_vary
            return node
        node.order = sorted(range(len(node.options)), key=lambda index: _rank(point, index))
        for option, sleeper in outer.sleepers.items():
            still = sleeper.after(self._segment)
            if still is not None:
                node.sleepers[option] = still
        if not self._take_next(node):
            self._cut()
        return node

    def _cut(self) -> None:
        self.is_cut = True
        raise PrunedRun

    def _take_next(self, node: _Node) -> bool:
        """Choose an option of an outer node that is neither explored nor asleep as a whole."""
        for index in node.order:
            option = node.options[index]
            if index in node.explored or node.only_actor not in {None, option.actor}:
                continue
            sleeper = node.sleepers.get(option)
            if sleeper is None:
                node.must_vary = node.must_not_vary = False
            elif sleeper.plain is not None and sleeper.variants is not None:
                continue
            else:
                node.must_vary = sleeper.plain is not None
                node.must_not_vary = sleeper.variants is not None
            node.chosen = index
            node.plain = node.variants = None
            return True
        return False

    def advance(self) -> bool:
        """Move to the next schedule; False when every one has been explored."""
        if self._must_restart:
            self._must_restart = False
            self._path.clear()
            return True
        while self._path:
            node = self._path[-1]
            if node.inner:
                if self._take_next_inner(node):
                    return True
            else:
                if self._reduces:
                    self._put_to_sleep(node)
                node.explored.add(node.chosen)
                if self._take_next(node):
                    return True
            self._path.pop()
        return False

    def _take_next_inner(self, node: _Node) -> bool:
        if node.must_not_vary:
            return False
        outer = node.outer
        for index in range(node.chosen + 1, len(node.options)):
            actor = node.options[index].actor
            if self._reduces and outer is not None and outer.plain is not None:
                is_apart = _only_actor_bit(outer.plain) and not self._is_shared(outer.plain)
                if is_apart and outer.options and actor != outer.options[outer.chosen].actor:
                    continue  # it commutes with the whole chain: struck before or after it
            node.chosen = index
            return True
        return False

    def _is_shared(self, step: Footprint) -> bool:
        return bool((step.read | step.written) & self._shared)

    def _put_to_sleep(self, node: _Node) -> None:
        option = node.options[node.chosen]
        known = node.sleepers.get(option)
        plain = node.plain if node.plain is not None else known.plain if known else None
        variants = node.variants if node.variants is not None else known.variants if known else None
        if variants is None:
            variants = NOTHING  # there were none
        node.sleepers[option] = _Sleeper(plain, variants)
        step = plain.joined(variants) if plain is not None else variants
        if self._is_shared(step) or not _only_actor_bit(step):
            node.shared_actors.add(option.actor)
            if node.only_actor == option.actor:
                node.only_actor = None  # one of its options meets the others after all
        elif option.action in _OWN_STEPS and option.actor not in node.shared_actors:
            if not (self._clock_interferes and _offers_clock(node)):
                node.only_actor = option.actor

    def path(self) -> list[int]:
        """Return the choices of the current path: with ``resume``, a search can go on elsewhere."""
        return [node.chosen for node in self._path]


def _only_actor_bit(step: Footprint) -> bool:
    """Return whether at most one actor took part."""
    bits = step.written // footprints.FIRST_ACTOR
    return step.written >= 0 and bits & (bits - 1) == 0


def _offers_clock(node: _Node) -> bool:
    return any(option.action is Action.CLOCK for option in node.options)


def _rank(point: Point, index: int) -> int:
    """Return 0 for what is likely private, so that it is tried first and nothing else needed."""
    option, about = point.options[index], point.subjects[index]
    if option.action in {Action.LAND, Action.START}:
        return 0
    if option.action is Action.CALL:
        is_private = getattr(about, "next_call_is_private", None)
        return 1 if is_private is not None and is_private() else 2
    return 3
