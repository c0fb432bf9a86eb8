"""The object as it is without concurrency: what one operation does to a version and its value.

This is the whole specification. The searches follow it step by step; the interval checker does not
use it, so that one mistake cannot hide in both.
"""

from __future__ import annotations

from typing import NamedTuple

from properties.history.records import Kind, Outcome, Record


class State(NamedTuple):
    """A version and the value that stands at it."""

    version: int
    value: str


def step(state: State, record: Record) -> State | None:
    """Return the state after the operation took effect, None where it cannot have ended so.

    An unknown compare-and-set that finds something else than it expects leaves all as it was.
    """
    if record.outcome is Outcome.FAIL:
        return state if record.is_true_of(*state) else None
    if record.kind is Kind.READ:
        return state if state == (record.version, record.value) else None
    met = record.expected in (None, state.version) and record.from_value in (None, state.value)
    if record.outcome is Outcome.UNKNOWN and not met:
        return state
    if not met or record.value is None:
        return None
    made = State(state.version + 1, record.value)
    return made if record.outcome is Outcome.UNKNOWN or made.version == record.version else None
