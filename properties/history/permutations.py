"""The definition of linearizability, word by word: every subset of the unknowns, every order.

For a handful of operations only. It shares the sequential object with the search and nothing else:
no list, no memory, no cleverness that could be wrong.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from properties.history.records import Initial, Record
from properties.history.sequential import State, step

OPERATION_LIMIT = 6


def try_all(records: Sequence[Record], initial: Initial) -> bool:
    """Say whether one key's records have a linearization, by trying."""
    known = [each for each in records if each.says_something and not each.may_have_written]
    unknown = [each for each in records if each.may_have_written]
    return any(
        _is_legal(order, initial)
        for count in range(len(unknown) + 1)
        for taken in itertools.combinations(unknown, count)
        for order in itertools.permutations([*known, *taken])
    )


def _is_legal(order: Sequence[Record], initial: Initial) -> bool:
    state = State(initial.version, initial.value)
    latest_call = 0
    for record in order:
        latest_call = max(latest_call, record.call)
        if record.end < latest_call:
            return False  # it had returned before one that stands before it was called
        after = step(state, record)
        if after is None:
            return False
        state = after
    return True
