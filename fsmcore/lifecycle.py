"""Which states a file can be in, and which event takes it from one to another."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from fsmcore.errors import DefinitionError, UnknownEventError
from fsmcore.text import is_storable

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, order=True)
class Edge:
    """One arrow: in ``source``, ``event`` leads to ``target``."""

    source: str
    event: str
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifecycle:
    """A deterministic state graph, checked when it is made and frozen after.

    Every state is reachable from ``initial``, a final state has no way out, and one event in one
    state has one target. ``events`` are in order of first appearance. Names are any non-empty
    text: they are data to SQLite and to the state machine library, never identifiers.
    """

    states: tuple[str, ...]
    initial: str
    finals: frozenset[str]
    edges: tuple[Edge, ...]
    events: tuple[str, ...] = field(init=False, repr=False, compare=False)
    _targets: Mapping[tuple[str, str], str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Raise ``DefinitionError`` with every contradiction found, or freeze the lookup."""
        for name, kind in (("states", tuple), ("finals", frozenset), ("edges", tuple)):
            object.__setattr__(self, name, kind(getattr(self, name)))
        problems = [*self._name_problems(), *self._edge_problems()]
        if not problems:
            problems.extend(self._reach_problems())
        if problems:
            raise DefinitionError("lifecycle: " + "; ".join(problems) + ".")
        targets = {(edge.source, edge.event): edge.target for edge in self.edges}
        object.__setattr__(self, "_targets", MappingProxyType(targets))
        events = tuple(dict.fromkeys(edge.event for edge in self.edges))
        object.__setattr__(self, "events", events)

    def _name_problems(self) -> Iterable[str]:
        names: tuple[object, ...] = (*self.states, *(edge.event for edge in self.edges))
        for name in names:
            if not isinstance(name, str) or not name:
                yield f"{name!r} is no name: use non-empty text"
            elif "\0" in name or not is_storable(name):
                yield f"{name!a} holds a lone surrogate or a NUL, which does not survive a file"
        if len(set(self.states)) != len(self.states):
            yield "a state is named twice"
        if self.initial not in self.states:
            yield f"the initial state {self.initial!r} is not among the states"
        for name in sorted(self.finals - set(self.states), key=repr):
            yield f"the final state {name!r} is not among the states"

    def _edge_problems(self) -> Iterable[str]:
        if not self.edges:
            yield "there is no edge"
        seen: set[tuple[str, str]] = set()
        for edge in self.edges:
            for name in (edge.source, edge.target):
                if name not in self.states:
                    yield f"{edge.event!r} touches {name!r}, which is not among the states"
            if edge.source in self.finals:
                yield f"{edge.event!r} leaves the final state {edge.source!r}"
            if (edge.source, edge.event) in seen:
                yield f"{edge.event!r} leaves {edge.source!r} twice"
            seen.add((edge.source, edge.event))

    def _reach_problems(self) -> Iterable[str]:
        reached, frontier = {self.initial}, [self.initial]
        while frontier:
            state = frontier.pop()
            for edge in self.edges:
                if edge.source == state and edge.target not in reached:
                    reached.add(edge.target)
                    frontier.append(edge.target)
        for state in self.states:
            if state not in reached:
                yield f"{state!r} cannot be reached from {self.initial!r}"

    def target(self, state: str, event: str) -> str | None:
        """Return where ``event`` leads from ``state``, or None when it is not allowed there.

        Raises ``UnknownEventError`` when no state has this event.
        """
        found = self._targets.get((state, event))
        if found is None and event not in self.events:
            raise UnknownEventError(event, self.events)
        return found

    def allowed(self, state: str) -> tuple[str, ...]:
        """Return the events that ``state`` has an edge for."""
        return tuple(edge.event for edge in self.edges if edge.source == state)


FILE_LIFECYCLE = Lifecycle(
    states=("untracked", "uploading", "processing", "indexed", "failed"),
    initial="untracked",
    finals=frozenset({"indexed", "failed"}),
    edges=(
        Edge("untracked", "start_upload", "uploading"),
        Edge("uploading", "complete_upload", "processing"),
        Edge("processing", "complete_processing", "indexed"),
        Edge("uploading", "fail_upload", "failed"),
        Edge("processing", "fail_processing", "failed"),
    ),
)
"""The lifecycle of a file on its way into a search index: five states, five events."""
