"""A refused attempt leaves no trace: whoever was told that nothing moved finds nothing moved.

Not allowed, rejected, stale, busy and failed before the commit are definite answers. A commit in
a finally block, or a busy answer to a commit that went through, breaks it.
"""

from collections.abc import Callable

from properties.rules import Evidence
from properties.subjects import Offer

NEEDS = frozenset({Offer.JOURNAL})


def judge(evidence: Evidence) -> None:
    """Look every refused attempt up in the journal."""
    for operation in evidence.operations:
        if operation.answer is not None and operation.kind.says_unmoved:
            entry = evidence.snapshot.entry_of(operation.attempt_id)
            assert entry is None, f"{operation.attempt_id} was told {operation.kind.value}: {entry}"


def test_nothing_moved_for_the_refused(explored: Callable[[], None]) -> None:
    """Under concurrent attempts, cancellation, lock-outs and overtaking."""
    explored()
