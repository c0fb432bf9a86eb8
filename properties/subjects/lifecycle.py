"""The lifecycle as the judge knows it, a subject's own. Shares no code with what it judges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """Where a row begins, and where each event leads: ``edges`` is state -> event -> next state.

    A state that nothing leaves need not be named in ``edges``; it is there afterwards, so that
    ``edges`` has every state. Raises ``ValueError`` when nothing leaves the initial state.
    """

    initial: str
    edges: Mapping[str, Mapping[str, str]]

    def __post_init__(self) -> None:
        """Name every state."""
        if not self.edges.get(self.initial):
            raise ValueError(f"no edge leaves the initial state {self.initial!r}; add one to edges")
        targets = (target for nexts in self.edges.values() for target in nexts.values())
        ends: dict[str, Mapping[str, str]] = {target: {} for target in targets}
        object.__setattr__(self, "edges", {**dict.fromkeys(self.edges), **ends, **self.edges})

    @property
    def events(self) -> tuple[str, ...]:
        """Every event once, in the order of the edges."""
        return tuple(dict.fromkeys(event for nexts in self.edges.values() for event in nexts))

    def edges_from(self, state: str) -> Mapping[str, str]:
        """Return event -> next state; nothing for a state that is none of these."""
        return self.edges.get(state, {})

    def target(self, state: str, event: str) -> str | None:
        """Return where ``event`` leads from ``state``, or None."""
        return self.edges_from(state).get(event)

    def refused(self, state: str) -> str:
        """Return an event that leads nowhere from ``state``: one of another state's, or of none."""
        others = (event for event in self.events if event not in self.edges_from(state))
        return next(others, "no such event")

    def road(self, count: int) -> tuple[tuple[str, str], ...]:
        """Return a longest road from the initial state of at most ``count`` steps (event, state).

        Of several the one whose edges are named first.
        """
        return self._longest(self.initial, count)

    def _longest(self, state: str, count: int) -> tuple[tuple[str, str], ...]:
        if not count:
            return ()
        roads = (
            ((event, target), *self._longest(target, count - 1))
            for event, target in self.edges_from(state).items()
        )
        return max(roads, key=len, default=())

    def states_after(self, count: int) -> frozenset[str]:
        """Return where ``count`` steps can lead."""
        states = frozenset({self.initial})
        for _ in range(count):
            states = frozenset(
                target for state in states for target in self.edges_from(state).values()
            )
        return states


FILES = Lifecycle(
    "untracked",
    {
        "untracked": {"start_upload": "uploading"},
        "uploading": {"complete_upload": "processing", "fail_upload": "failed"},
        "processing": {"complete_processing": "indexed", "fail_processing": "failed"},
    },
)
"""That of the core's files."""
