"""Every inequivalent schedule of a small scenario, each once, and the news that none is left.

Depth-first search by running again from the start, reduced in two ways.

*Sleep sets* (P. Godefroid, "Partial-Order Methods for the Verification of Concurrent Systems",
1996, chapter 5): after an option was explored to its end at some point, it sleeps while its
siblings are explored, until a step conflicts with it. A schedule that could only go on with
sleeping options is equivalent to one that was seen, and is cut.

*Persistent sets, found by looking back* (C. Flanagan and P. Godefroid, "Dynamic partial-order
reduction for model checking software", 2005): one actor's options are explored first. Whoever did,
anywhere below, something that conflicts with one of their steps is *needed* here too, and his
options are explored next; the others can wait for a later point. For let a schedule begin with
steps of actors who are not needed, up to the first step t of one who is. If none of those steps
conflicts with t, then t may as well come first, and that was explored. If one does, then it
conflicts as well where t came first, was seen there, and its actor is needed.

Choices. Footprints are observed, not guessed: an option sleeps with what it touched when it ran,
which holds as long as nothing that ran since conflicts with it. One step of the search is a whole
landing with the chain of callbacks that it sets off. A cancellation inside of such a chain makes a
*variant* of the step; the plain step and its variants sleep and wake apart, because a spent
budget wakes only the variants. Races are not traced one by one: any conflict below counts, whether
or not something lies between, and an actor who is needed and cannot act makes all needed.

Looking back sees nothing of what a step *prevents*: a lone write that has run can no longer be
met in full flight. While such a fault may still be spent only a *private* step counts: one that
touched nothing that others see. In the same way the answer of a call may disarm a timer: where one
could strike an actor who waits for the database (``clock_interferes``), all are needed wherever a
timer can fire. All this leans on an actor with a database call outstanding not being woken by
somebody else; the simulation watches for it, and ``AssumptionError`` ends a search in which it does
not hold.

A *shard* explores every n-th of the subtrees that begin at one level of the tree. Above that level
all shards run the same schedules, so that each knows what to let sleep; nothing may be learnt on
the way that would change them, so all that could be shared counts as shared, and above the level
nobody looks back, because what lies below is explored elsewhere.

Nothing is matched by state: docs/decisions/0006-no-state-matching.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from properties.simulation import footprints
from properties.simulation.footprints import NOTHING
from properties.simulation.scheduler import Action, Footprint, HarnessError, PrunedRun
from properties.simulation.schedulers.path import OWN_STEPS, Node, only_one_actor
from properties.simulation.schedulers.saved import SavedPath, pack, unpack

if TYPE_CHECKING:
    from properties.simulation.budget import Budget
    from properties.simulation.scheduler import Option, Point


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """Part ``index`` (from 0) of ``count``, cut at a level of the tree: after so many steps."""

    index: int
    count: int
    level: int


class NondeterminismError(HarnessError):
    """The same choices led to another choice point: something is not under control."""


class AssumptionError(HarnessError):
    """What the reduction leans on does not hold in this scenario; search with reduces=False."""


ALWAYS_SHARED = footprints.ROWS | footprints.WRITE_LOCK | footprints.LOCKS
SHARED_WHEN_WRITTEN = footprints.LAYOUT | footprints.EVENTS | footprints.QUEUES | footprints.SHARED
"""What all only look at orders nobody; the first who changes it makes a search begin anew."""
_new = tuple.__new__  # twice as fast as calling a NamedTuple


class ExhaustiveScheduler:
    """Call ``advance`` after each run; it says whether another one is left.

    ``reduces=False`` explores every schedule, equivalent or not: slow, and beyond doubt.
    """

    def __init__(self, budget: Budget, *, reduces: bool = True, shard: Shard | None = None) -> None:
        """Begin with the polite schedule. ``budget`` is the one that the runs get."""
        self._reduces = reduces
        self._shard = shard
        self.frontier_count = 0
        self._path: list[Node] = []
        self._root = Node((), inner=False)
        self._root.spare_clocks = budget.early_clocks
        self._root.spare_faults = budget.overlaps + budget.fault_count
        self._depth = 0
        self._segment = NOTHING
        self._last_outer = self._root
        self._has_varied = False
        self._shared = ALWAYS_SHARED | (footprints.CLOCK if budget.early_clocks else 0)
        self._must_restart = False
        self._clock_interferes = False
        if shard is not None:
            self._shared |= SHARED_WHEN_WRITTEN
            self._clock_interferes = budget.early_clocks > 0

    def begin(self) -> None:
        """Start a run at the root."""
        self._depth = 0
        self._segment = NOTHING
        self._last_outer = self._root
        self._has_varied = False

    def touched(self, footprint: Footprint) -> None:
        """Add to what the running step has touched."""
        segment = self._segment
        self._segment = _new(Footprint, (segment[0] | footprint[0], segment[1] | footprint[1]))
        found = footprint.written & SHARED_WHEN_WRITTEN & ~self._shared
        if found:
            self._shared |= found
            self._must_restart = self._reduces  # what only read this was taken for private

    def locks_are_shared(self) -> None:
        """Start again: steps that touched such a lock were taken for private."""
        self._must_restart = self._reduces

    def clock_interferes(self) -> None:
        """Take timers from now on for something that may meet any step."""
        if not self._clock_interferes:
            self._clock_interferes = self._must_restart = self._reduces

    def broken_assumption(self, what: str) -> None:
        """Give up: the reduction is not sound here."""
        if self._reduces:
            raise AssumptionError(f"{what}. Search with reduces=False.")

    def choose(self, n: int, point: Point) -> int:  # noqa: ARG002 - the options say it
        """Go along the current path, and beyond its end take the first option not asleep."""
        return self._at(point)

    def forced(self, point: Point) -> None:
        """See whether the only step there sleeps; then this run is known."""
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

    def _new_node(self, point: Point) -> Node:
        outer = self._last_outer
        node = Node(point.options, inner=point.inner, outer=outer, level=outer.level + 1)
        node.spare_clocks, node.spare_faults = outer.spare_clocks, outer.spare_faults
        if outer.options:
            spent = outer.option
            node.spare_clocks -= spent.action is Action.CLOCK and bool(spent.target)
            node.spare_faults -= spent.action is Action.FAULT and spent.target != "cancel"
        if not self._reduces:
            node.order = range(len(node.options))
            self._leave_to_others(node)
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
        self._leave_to_others(node)
        return node

    def _cut(self) -> None:
        raise PrunedRun

    def _leave_to_others(self, node: Node) -> None:
        """Cut what begins at the shards' level and is not ours."""
        shard = self._shard
        if shard is not None and not node.inner and node.level == shard.level:
            self.frontier_count += 1
            if (self.frontier_count - 1) % shard.count != shard.index:
                self._cut()

    def _take_next(self, node: Node) -> bool:
        """Choose an option of an outer node that is needed, not explored and not fully asleep."""
        for index in node.order:
            option = node.options[index]
            if index in node.explored or (node.needed and option.actor not in node.needed):
                continue
            sleeper = node.sleepers.get(option)
            if sleeper is None:
                node.must_vary = node.must_not_vary = False
            elif sleeper.plain is not None and sleeper.variants is not None:
                continue
            else:
                node.must_vary = sleeper.plain is not None
                node.must_not_vary = sleeper.variants is not None
            node.choose(index)
            return True
        return False

    def advance(self) -> bool:
        """Move to the next schedule; False when every one has been explored."""
        if self._must_restart:
            if self._shard is not None:
                raise AssumptionError("A shard has learnt what other shards may not know.")
            self._must_restart = False
            self._path.clear()
            return True
        while self._path:
            node = self._path[-1]
            if node.inner:
                if self._take_next_inner(node):
                    return True
            else:
                self._close(node)
                if self._take_next(node):
                    return True
                node.pass_on()
            self._path.pop()
        return False

    def _close(self, node: Node) -> None:
        """Close the chosen option of an outer node, and see who else is needed there."""
        if not self._reduces:
            node.explored.add(node.chosen)
            return
        step = node.close()
        if node.needed is None:
            return
        is_first = not node.needed
        node.needed.add(node.option.actor)
        if self._meets_anybody(node, step, is_first=is_first):
            node.needed = None
        elif self._is_shared(step) or self._shared & footprints.QUEUES:
            # Where connections are shared an actor can act and yet wait for another's call: his
            # private steps meet that call in his own bit, and so name whom he waits for.
            others = node.meets(step) - node.needed
            node.needed = node.needed | others if all(map(node.can_act, others)) else None

    def _meets_anybody(self, node: Node, step: Footprint, *, is_first: bool) -> bool:
        """Return whether looking back cannot tell whom a step meets: then all are needed.

        It tells whose steps, of those that were *seen below*, conflict with this one. So:

        - a timer or a fault that goes first, because nobody's own step is awake, is no actor's
          step. Who is needed beside nobody? No case is known that loses anything without this;
        - a step of two actors enables something for each, and either may be needed for it. No
          case is known here either: who shares a queue or a lock meets in that, too;
        - where a timer may strike an actor who waits for his call, the call's answer disarms it,
          and below the answer no such timer is seen. Lost without: of ``in-time-2`` with one
          early timer 9 outcomes;
        - a crash, or the wall clock set, is nobody's in particular, and is offered only while it
          is not spent: an attempt's private beginning before it is another run than after it. Lost
          without: the times that are told when the clock steps before the first one looks;
        - a shared step may end what a fault could still strike, a lone write in full flight, and
          above the cut of shards what lies below is somebody else's to see.

        An actor who is met and cannot act at this point needs somebody else first, who need not
        meet this step at all: in ``pause-2`` the one who pauses is met after the timer. So all are
        needed there as well (see ``_close``; lost without: 1 outcome). The losses were counted by
        taking each line out and searching 16 small cells; three of them stand as planted holes
        and tests.
        """
        return (
            (is_first and node.option.action not in OWN_STEPS)
            or not only_one_actor(step)
            or (self._clock_interferes and node.offers_clock)
            or any(_is_nobodys(each) for each in node.options)
            or (self._is_shared(step) and (node.spare_faults > 0 or self._is_above_cut(node)))
        )

    def _take_next_inner(self, node: Node) -> bool:
        if node.must_not_vary:
            return False
        outer = node.outer
        for index in range(node.chosen + 1, len(node.options)):
            actor = node.options[index].actor
            if self._reduces and outer is not None and outer.plain is not None:
                is_apart = only_one_actor(outer.plain) and not self._is_shared(outer.plain)
                if is_apart and outer.options and actor != outer.option.actor:
                    continue  # it commutes with the whole chain: struck before or after it
            node.chosen = index
            return True
        return False

    def _is_shared(self, step: Footprint) -> bool:
        return bool((step.read | step.written) & self._shared)

    def _is_above_cut(self, node: Node) -> bool:
        return self._shard is not None and node.level < self._shard.level

    @property
    def depth(self) -> int:
        """How many choice points there are on the current path."""
        return len(self._path)

    def open_count(self) -> int:
        """Return how many options on the current path are known to be left, sleepers included."""
        return sum(
            len(node.options) - node.chosen - 1
            if node.inner
            else max(0, self._width(node) - len(node.explored) - 1)
            for node in self._path
        )

    def _width(self, node: Node) -> int:
        if not node.needed:
            return len(node.options) if node.needed is None else 1
        return sum(option.actor in node.needed for option in node.options)

    def save(self) -> SavedPath:
        """Return where the search stands; call it between ``advance`` and the next run."""
        return SavedPath(
            nodes=pack(self._path),
            shared=self._shared,
            clock_interferes=self._clock_interferes,
            frontier_count=self.frontier_count,
        )

    def restore(self, saved: SavedPath) -> None:
        """Go on where another scheduler of the same search stood."""
        self._path = unpack(saved.nodes, self._root)
        self._shared = saved.shared
        self._clock_interferes = saved.clock_interferes
        self.frontier_count = saved.frontier_count


def _is_nobodys(option: Option) -> bool:
    return option.action is Action.FAULT and option.actor == "main"


def _rank(point: Point, index: int) -> int:
    """Return 0 for what is likely private, so that it is tried first and nothing else needed."""
    option, about = point.options[index], point.subjects[index]
    if option.action in {Action.LAND, Action.START}:
        return 0
    if option.action is Action.CALL:
        is_private = getattr(about, "next_call_is_private", None)
        return 1 if is_private is not None and is_private() else 2
    return 3
