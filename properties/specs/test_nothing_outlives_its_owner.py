"""Nothing outlives its owner: no connection, thread, task, descriptor or lock is left behind.

Cancellation anywhere included: after each step the keeper is all that is open, a second writer
gets the write lock at once and a checkpoint is not held up. After the store is closed nothing is
open at all. A connection left open on an error, a rollback forgotten, a waiter lost breaks it.
"""

from collections.abc import Callable

from properties.rules import Evidence


def judge(evidence: Evidence) -> None:
    """Report what the probes found."""
    assert not evidence.leaks, "; ".join(evidence.leaks)


def test_only_the_keeper_stays(explored: Callable[[], None]) -> None:
    """After each step, and after the close."""
    explored()
