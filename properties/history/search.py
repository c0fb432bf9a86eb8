"""The classical search for a linearization: Wing and Gong's, with Lowe's memory.

An order of the operations is sought, depth first, in which each takes effect within its interval
and the sequential object gives each its answer: J. M. Wing and C. Gong, *Testing and Verifying
Concurrent Objects* (1993). A pair of "which operations are in" and "which state that made" that was
seen before is not entered again, and the calls and returns stand in a doubly linked list from
which an operation is lifted and put back in constant time: G. Lowe, *Testing for Linearizability*
(2017), as in A. Athalye's Porcupine.

Choices. An unknown operation has a call and no return: it may be taken at any time and need never
be. The search is exponential in the worst case (Gibbons and Korach 1997: deciding linearizability
is NP-complete in general), and unknowns, which stay open to the end, are what brings it there; it
has a budget of steps and says nothing when that is spent.
"""

from __future__ import annotations

from collections.abc import Sequence

from properties.history.records import Initial, Outcome, Record
from properties.history.sequential import State, step

STEP_LIMIT = 1_000_000


class _Node:
    """A call or a return in the list of moments; ``match`` is the return of a call, if any."""

    __slots__ = ("bit", "is_call", "later", "match", "record", "sooner")

    def __init__(self, record: Record | None, bit: int, *, is_call: bool) -> None:
        self.record = record
        self.bit = bit
        self.is_call = is_call
        self.match: _Node | None = None
        self.sooner = self
        self.later: _Node | None = None

    def unlink(self) -> None:
        self.sooner.later = self.later
        if self.later is not None:
            self.later.sooner = self.sooner

    def relink(self) -> None:
        self.sooner.later = self
        if self.later is not None:
            self.later.sooner = self


def _lift(call: _Node) -> None:
    call.unlink()
    if call.match is not None:
        call.match.unlink()


def _put_back(call: _Node) -> None:
    if call.match is not None:
        call.match.relink()
    call.relink()


def _linked(records: Sequence[Record]) -> tuple[_Node, int]:
    moments: list[tuple[int, int, int, _Node]] = []
    obligatory = 0
    for index, record in enumerate(records):
        call = _Node(record, 1 << index, is_call=True)
        moments.append((record.call, 0, index, call))  # intervals are closed: calls come first
        if record.outcome is not Outcome.UNKNOWN and record.ret is not None:
            obligatory |= call.bit
            call.match = _Node(record, call.bit, is_call=False)
            moments.append((record.ret, 1, index, call.match))
    head = last = _Node(None, 0, is_call=False)
    for *_, node in sorted(moments, key=lambda each: each[:3]):
        last.later, node.sooner = node, last
        last = node
    return head, obligatory


def search(
    records: Sequence[Record], initial: Initial, step_limit: int = STEP_LIMIT
) -> bool | None:
    """Say whether one key's records have a linearization; None when the steps ran out."""
    head, obligatory = _linked([each for each in records if each.says_something])
    state, taken = State(initial.version, initial.value), 0
    seen = {(taken, state)}
    path: list[tuple[_Node, State]] = []
    node = head.later
    for _ in range(step_limit):
        if taken & obligatory == obligatory:
            return True
        if node is not None and node.is_call and node.record is not None:
            after = step(state, node.record)
            known = (taken | node.bit, after)
            if after is not None and known not in seen:
                seen.add((known[0], after))
                path.append((node, state))
                state, taken = after, known[0]
                _lift(node)
                node = head.later
            else:
                node = node.later
            continue
        # Somebody has returned, or everybody is tried: what was taken last was taken too early.
        if not path:
            return False
        node, state = path.pop()
        taken ^= node.bit
        _put_back(node)
        node = node.later
    return None
