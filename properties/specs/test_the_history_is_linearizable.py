"""The history is linearizable.

Every attempt, read and refusal, whoever made it, could have happened at one moment between its
call and its return, on one row a file whose version counts up by one with each write. It must hold
because each transition is one transaction that validates the version it read. A stale read breaks
it, two winners, a version from the future, a refusal by what had passed, an acknowledgement of
what is not there yet, and a write that overtakes one which was there before it was called.

Reads are operations too: the subject's own beside the race and after it, and what plain SQLite
finds in the file. Whoever was cancelled may have written or not; the journal says which, and where
there is none either may be so.

Not claimed: anything about two files together (docs/limits.md, write skew), nor about an answer
that names no version and no state. How it is judged stands in `properties.history.intervals`.
"""

from collections.abc import Callable

from properties.history.checker import check
from properties.history.told import history_of
from properties.history.verdicts import Finding
from properties.rules import Evidence


def judge(evidence: Evidence) -> None:
    """Check the history; a checker that cannot tell is the harness's failure, and no law's."""
    history = history_of(
        evidence.operations,
        evidence.observations,
        evidence.snapshot,
        lifecycle=evidence.lifecycle,
    )
    judgement = check(history)
    if judgement.finding is Finding.UNKNOWN:
        raise RuntimeError(f"the history cannot be judged: {judgement.told()}")
    if judgement.finding is Finding.ILLEGAL:
        raise AssertionError(judgement.told())


def test_every_operation_has_its_moment(explored: Callable[[], None]) -> None:
    """Under concurrent attempts and reads, cancellation, lock-outs and overtaking."""
    explored()
