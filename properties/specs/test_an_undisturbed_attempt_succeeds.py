"""An undisturbed attempt succeeds: a legal event, asked for alone, moves the row.

Without it a machine that refuses everything would keep every other law. Alone means: no other
operation on any file overlaps, nothing was made to happen, and the guard says yes.
"""

from collections.abc import Callable

from properties.history import Operation
from properties.rules import Evidence, model
from properties.rules.alone import is_alone
from properties.subjects import AnswerKind, Offer

NEEDS = frozenset({Offer.JOURNAL})


def judge(evidence: Evidence) -> None:
    """Find the attempts that were alone, and their state before."""
    for operation in evidence.operations:
        if operation.actor != "worker" or not is_alone(operation, evidence.operations):
            continue
        before = [
            entry
            for entry in evidence.snapshot.of_file(operation.request.file_path)
            if entry.attempt_id in _ended_before(operation, evidence.operations)
        ]
        state = before[-1].to_state if before else model.INITIAL
        legal = model.target(state, operation.request.event) is not None
        expected = operation.request.expected_version
        if legal and expected in (None, len(before)) and operation.request.guard_says:
            told = operation.answer.detail if operation.answer else ""
            assert operation.kind is AnswerKind.SUCCESS, f"{operation.attempt_id}: {told}"


def _ended_before(operation: Operation, operations: list[Operation]) -> set[str]:
    return {
        each.attempt_id
        for each in operations
        if each.end is not None and each.end < operation.begin
    }


def test_who_is_alone_is_served(explored: Callable[[], None]) -> None:
    """Single workers between the races."""
    explored()
