"""An undisturbed attempt succeeds: a legal event, asked for alone, moves the row.

Without it a machine that refuses everything would keep every other law. Alone means: no other
operation on any file overlaps, nothing was made to happen, and the guard says yes. Where its row
was says the journal; without one, the latest look into the file, if nobody can have moved it since.
"""

from collections.abc import Callable

from properties.history import Operation
from properties.rules import Evidence
from properties.rules.alone import is_alone
from properties.subjects import AnswerKind, Row

OPEN_ENDED = (AnswerKind.CANCELLED, AnswerKind.UNKNOWN)
"""Whose write may come later than its answer."""


def judge(evidence: Evidence) -> None:
    """Find the attempts that were alone, and their state before."""
    for operation in evidence.operations:
        if operation.actor != "worker" or not is_alone(operation, evidence.operations):
            continue
        row = _row_before(operation, evidence)
        if row is None:
            continue
        legal = evidence.lifecycle.target(row.state, operation.request.event) is not None
        expected = operation.request.expected_version
        if legal and expected in (None, row.version) and operation.request.guard_says:
            told = operation.answer.detail if operation.answer else ""
            assert operation.kind is AnswerKind.SUCCESS, f"{operation.attempt_id}: {told}"


def _row_before(operation: Operation, evidence: Evidence) -> Row | None:
    """Return the row that it met, None when that is not known."""
    file_path = operation.request.file_path
    earlier = [
        each
        for each in evidence.operations
        if each.request.file_path == file_path
        and each.end is not None
        and each.end < operation.begin
    ]
    row, looked = Row(evidence.lifecycle.initial, 0), 0
    if evidence.snapshot.has_journal:
        ended = {each.attempt_id for each in earlier}
        entries = [
            each for each in evidence.snapshot.of_file(file_path) if each.attempt_id in ended
        ]
        return Row(entries[-1].to_state, len(entries)) if entries else row
    for seen in evidence.observations:
        if seen.file_path == file_path and looked < seen.end < operation.begin:
            row, looked = Row(seen.state, seen.version), seen.begin
    may_have_moved = (
        each.overlaps(looked, operation.begin) or each.kind in OPEN_ENDED for each in earlier
    )
    return None if any(may_have_moved) else row


def test_who_is_alone_is_served(explored: Callable[[], None]) -> None:
    """Single workers between the races."""
    explored()
