"""A checker that is not ours: the search of `detangle.lin` (PyPI, MIT), given the same object.

It is a Wing-Gong-Lowe search of its own with unknown outcomes. Its model is written here once more
and shares nothing with `sequential`. Only the group ``history`` installs it.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

from detangle import lin

from properties.history.records import Initial, Kind, Outcome, Record

STEP_LIMIT = 300_000


class VersionedValue(lin.Model):
    """A version and a value, in the words of detangle."""

    name = "versioned value"

    def __init__(self, initial: Initial) -> None:
        self.initial = (initial.version, initial.value)

    def init(self) -> Hashable:
        """Return the first state."""
        return self.initial

    def step(self, state: Any, op: lin.Operation) -> tuple[bool, Any]:
        """Return whether the operation is legal now, and the state after it."""
        version, value = state
        if op.f == "read":
            return op.output == state, state
        if op.f == "refusal":
            stale_expected, values = op.arg
            is_true = version != stale_expected and (values is None or value in values)
            return is_true, state
        expected, from_value, target = op.arg
        matches = (expected is None or expected == version) and (
            from_value is None or from_value == value
        )
        if op.status == lin.INFO:
            return True, (version + 1, target) if matches else state
        return matches and op.output == version + 1, (version + 1, target)


def ask_detangle(
    records: Sequence[Record], initial: Initial, step_limit: int = STEP_LIMIT
) -> bool | None:
    """Say what detangle says of one key's records; None when its steps ran out."""
    operations = [_operation(index, each) for index, each in enumerate(records) if _counts(each)]
    try:
        return bool(lin.check(operations, VersionedValue(initial), budget=step_limit).ok)
    except RuntimeError:
        return None


def _counts(record: Record) -> bool:
    if record.kind is Kind.READ:
        return record.outcome is Outcome.OK
    is_silent = not record.is_stale and record.only_in is None
    return not (record.outcome is Outcome.FAIL and is_silent)


def _operation(index: int, record: Record) -> lin.Operation:
    made = lin.Operation(index, record.process, "read", None, record.call, 0.0)
    made.status, made.ret = lin.OK, record.ret
    if record.kind is Kind.READ:
        made.output = (record.version, record.value)
    elif record.outcome is Outcome.FAIL:
        made.f = "refusal"
        made.arg = (record.expected if record.is_stale else None, record.only_in)
    else:
        made.f = "cas"
        made.arg = (record.expected, record.from_value, record.value)
        made.output = record.version
        if record.outcome is Outcome.UNKNOWN:
            made.status, made.ret = lin.INFO, None
    return made
