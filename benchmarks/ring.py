"""The lifecycle that benchmarks turn: a file's states in a ring, so that a row moves for ever.

As many states as `FILE_LIFECYCLE`, because building a python-statemachine machine costs more the
more states it has (380 µs with two, 450 µs with five in one run). One event leads on from every
state, so a task need not know where the file is before it asks.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator

from fsmcore import FILE_LIFECYCLE, Edge, Lifecycle
from fsmcore.attempt_ids import uuid7_hex

ADVANCE = "advance"
FIRST_ID_NS = 1_767_225_600_000_000_000
"""2026-01-01, in UTC."""

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
    """Yield ids as the core makes them by default, the same ones for every rung.

    One every 10 µs from the same moment on, whoever asks: those of two processes mix.
    """
    draw = random.Random(seed)
    for unix_ns in itertools.count(FIRST_ID_NS, 10_000):
        yield uuid7_hex(unix_ns, draw.getrandbits(62))
