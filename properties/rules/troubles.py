"""What a worker asks for, and what happens to it on the way: as values, and as what is drawn."""

from __future__ import annotations

import functools
from dataclasses import dataclass

from hypothesis import strategies as st

from properties.rules.ambush import CLOCK_STEPS, DISK, INTERRUPTED, STEP_LIMIT
from properties.subjects import Place

FILE_LIMIT = 5
EDGE_ROUND, EVENT_ROUND = 12, 60
"""A lifecycle's edges from a state, and its events, are counted round and round: what is drawn does
not depend on whose lifecycle it is, and each of up to four edges, or six events, is as likely."""


class CallbackError(Exception):
    """What a disturbed callback raises."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """What happens to a worker: ``what`` at ``place``; ``size`` counts turns or tries."""

    place: Place
    what: str
    size: int = 0


@dataclass(frozen=True, slots=True)
class Work:
    """One drawn attempt. ``aim`` picks a legal event of the file's state now, or any event.

    ``edge_index`` says which of the legal ones, ``event_index`` which of all, round and round. Who
    aims at a legal event is given a file that has one, as long as there is any.
    """

    file_index: int
    aim: str
    edge_index: int
    event_index: int
    expecting: str
    guard_says: bool
    cancel_after_turns: int | None
    troubles: tuple[Trouble, ...]


_BEFORE = (Place.GUARD, Place.BEFORE_COMMIT)
_CALLBACKS = (*_BEFORE, Place.AFTER_COMMIT)
_KINDS: dict[str, tuple[tuple[Place, ...], int, int]] = {
    "raises": (_CALLBACKS, 0, 0),
    "waits": (_CALLBACKS, 1, 20),
    "is cancelled": ((*_CALLBACKS, Place.BACKOFF), 0, 0),
    "is overtaken": (_BEFORE, 0, 0),
    "is locked out": (_BEFORE, 0, 3),
    "is cancelled twice": (_CALLBACKS, 0, 0),
    CLOCK_STEPS: (_CALLBACKS, -400, 400),
    INTERRUPTED: (_BEFORE, 0, STEP_LIMIT - 1),
    **dict.fromkeys(DISK, (_BEFORE, 0, 5)),
}
"""What happens, where it can, and its least and greatest size."""
TROUBLES = tuple((what, place) for what, (places, _, _) in _KINDS.items() for place in places)
"""What `troubles` draws, each as often as the others, as the marks that must be reached."""
_DRAWN = {
    (what, place): st.integers(*_KINDS[what][1:]).map(functools.partial(Trouble, place, what))
    for what, place in TROUBLES
}
troubles = st.sampled_from(TROUBLES).flatmap(_DRAWN.__getitem__)
works = st.builds(
    Work,
    file_index=st.integers(0, FILE_LIMIT - 1),
    aim=st.sampled_from(["legal", "legal", "legal", "any"]),
    edge_index=st.integers(0, EDGE_ROUND - 1),
    event_index=st.integers(0, EVENT_ROUND - 1),
    expecting=st.sampled_from(["any", "any", "now", "before"]),
    guard_says=st.sampled_from([True, True, True, False]),
    cancel_after_turns=st.none() | st.none() | st.integers(0, 400),
    troubles=st.lists(troubles, max_size=2).map(tuple),
)


def _met(what: str, place: Place) -> Work:
    """Return an attempt that should succeed, and meets this on the way."""
    _, low, high = _KINDS[what]
    met = Trouble(place, what, low + (high - low) // 3)
    way = (Trouble(Place.GUARD, "is locked out", 1),) if place is Place.BACKOFF else ()
    return Work(
        file_index=0,
        aim="legal",
        edge_index=0,
        event_index=0,
        expecting="any",
        guard_says=True,
        cancel_after_turns=None,
        troubles=(*way, met),
    )


TOUR = tuple(_met(what, place) for what, place in TROUBLES)
"""Every trouble at every place, once: what is drawn may leave one out for thousands of attempts."""
