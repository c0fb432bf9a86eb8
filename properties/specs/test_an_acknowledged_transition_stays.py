"""An acknowledged transition stays: what a caller was told is in the file for every later reader.

Judged by a connection of its own, after every step. Not claimed here: that it survives a power
loss. An acknowledgement before the commit, or a lost update, breaks it.
"""

from collections.abc import Callable

from properties.rules import Evidence
from properties.subjects import AnswerKind, Offer

NEEDS = frozenset({Offer.JOURNAL})


def judge(evidence: Evidence) -> None:
    """Compare each success with its journal entry, and each read with the row."""
    for operation in evidence.operations:
        answer = operation.answer
        if answer is None or answer.kind is not AnswerKind.SUCCESS:
            continue
        entry = evidence.snapshot.entry_of(operation.attempt_id)
        assert entry is not None, f"{operation.attempt_id} was acknowledged and is gone"
        told = (answer.from_state, answer.to_state, answer.version)
        assert (entry.from_state, entry.to_state, entry.version) == told, f"{entry}, told: {told}"
    for file_path, row in evidence.reads.items():
        assert (row.state, row.version) == evidence.snapshot.rows[file_path], file_path


def test_what_was_acknowledged_is_read_back(explored: Callable[[], None]) -> None:
    """Under concurrent attempts, cancellation, lock-outs and overtaking."""
    explored()
