"""An error after the commit says so: it is never told as "nothing happened".

If an attempt is in the journal, its caller was told of success, of an error after the commit, or
that the outcome is unknown (a cancelled caller knows it may be). And who was told of an error
after the commit finds it committed, at that version. An error that loses the commit breaks it.
"""

from collections.abc import Callable

from properties.rules import Evidence
from properties.subjects import AnswerKind, Offer

NEEDS = frozenset({Offer.JOURNAL, Offer.CALLBACKS})


def judge(evidence: Evidence) -> None:
    """Compare the answers of all committed attempts, and the commits of all such answers."""
    for operation in evidence.operations:
        if operation.answer is None:
            continue
        entry = evidence.snapshot.entry_of(operation.attempt_id)
        if entry is not None:
            told = operation.answer.detail or operation.kind.value
            assert not operation.kind.says_unmoved, f"{operation.attempt_id} moved; told: {told}"
        if operation.kind is AnswerKind.FAILED_AFTER_COMMIT:
            written = None if entry is None else entry.version
            assert written == operation.answer.version, f"{operation.attempt_id}: {entry}"


def test_a_committed_attempt_is_never_told_as_failed(explored: Callable[[], None]) -> None:
    """Callbacks raise after the commit, tasks are cancelled there."""
    explored()
