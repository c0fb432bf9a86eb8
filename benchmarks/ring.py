"""The lifecycle that benchmarks turn: a file's states in a ring, so that a row moves for ever.

As many states as `FILE_LIFECYCLE`, because building a python-statemachine machine costs more the
more states it has (380 µs with two, 450 µs with five in one run). One event leads on from every
state, so a task need not know where the file is before it asks.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from fsmcore import FILE_LIFECYCLE, Edge, Lifecycle

ADVANCE = "advance"

_STATES = FILE_LIFECYCLE.states

RING = Lifecycle(
    states=_STATES,
    initial=_STATES[0],
    finals=frozenset(),
    edges=tuple(
        Edge(source, ADVANCE, target)
        for source, target in zip(_STATES, (*_STATES[1:], _STATES[0]), strict=True)
    ),
)

NAMED_RING = Lifecycle(
    states=_STATES,
    initial=_STATES[0],
    finals=frozenset(),
    edges=tuple(Edge(edge.source, f"leave_{edge.source}", edge.target) for edge in RING.edges),
)
"""The same ring with an event for each state: asked for too late, it is not allowed."""

EDGE_FROM = {edge.source: edge for edge in RING.edges}
"""The one edge that leaves each state."""


def attempt_ids(seed: int = 0) -> Iterator[str]:
    """Yield ids as long and as scattered as a UUID in hex, the same ones for every rung.

    Scattered, because the journal is a tree by attempt id: rising ids would fill it from the
    right and cost less than real ones.
    """
    draw = random.Random(seed)
    while True:
        yield f"{draw.getrandbits(128):032x}"
