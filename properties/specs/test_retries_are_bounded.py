"""Retries are bounded: an attempt sleeps between its tries, and gives up.

The subject is made with four tries, so no attempt backs off more than three times, and one that
was told busy has backed off exactly three times. Whoever met nobody waits for nobody: an attempt
that was alone, with nothing made to happen to it, is answered at its first try. No sleep, one try
too many, no end, and trying again what no further try can change break it, and so does another
number of tries than is told.
"""

from collections.abc import Callable

from properties.rules import Evidence
from properties.rules.alone import is_alone
from properties.subjects import TRIES, AnswerKind, Offer

NEEDS = frozenset({Offer.BACKOFF})


def judge(evidence: Evidence) -> None:
    """Count each attempt's waits."""
    for operation in evidence.operations:
        waits = evidence.backoffs.get(operation.attempt_id, 0)
        tries = None if operation.answer is None else operation.answer.tries
        assert tries in (None, waits + 1), f"{operation.attempt_id}: {waits} waits in {tries} tries"
        assert waits < TRIES, f"{operation.attempt_id} waited {waits} times for {TRIES} tries"
        if operation.answer is not None and operation.kind is AnswerKind.BUSY:
            assert waits == TRIES - 1, f"{operation.attempt_id} gave up after {waits} waits"
        if operation.actor == "worker" and is_alone(operation, evidence.operations):
            assert not waits, f"{operation.attempt_id} met nobody, and waited {waits} times"


def test_an_attempt_gives_up_in_time(explored: Callable[[], None]) -> None:
    """An outsider holds the write lock for some tries, or for all of them."""
    explored()
