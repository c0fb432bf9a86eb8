"""Every answer was true at some moment between the call and the return.

An answer that names a version or a state is judged by `the_history_is_linearizable`. This law
judges what such a history leaves out: who is told *stale* without having expected a version was
overtaken by a write that can have taken effect while it ran, and who is told that its guard said
no has a guard that says no.
"""

from collections.abc import Callable

from properties.history import Operation
from properties.rules import Evidence
from properties.subjects import AnswerKind, Offer

NEEDS = frozenset({Offer.JOURNAL})

OPEN_ENDED = (AnswerKind.CANCELLED, AnswerKind.UNKNOWN)


def _last_moment(writer: Operation) -> float:
    """Return when its write can have taken effect at the latest: a cancelled commit may be late."""
    if writer.end is None or writer.kind in OPEN_ENDED:
        return float("inf")
    return writer.end


def judge(evidence: Evidence) -> None:
    """Look for who overtook whom, and at what the guards were to say."""
    entries = evidence.snapshot.journal
    written = {entry.attempt_id for entry in entries}
    writers = [each for each in evidence.operations if each.attempt_id in written]
    for operation in evidence.operations:
        request, answer = operation.request, operation.answer
        if answer is None:
            continue
        if answer.kind is AnswerKind.REJECTED:
            assert not request.guard_says, (
                f"{operation.attempt_id} was told that its guard said no, and it says yes"
            )
        if answer.kind is AnswerKind.STALE and request.expected_version is None:
            overtakers = [
                each.attempt_id
                for each in writers
                if each is not operation
                and each.request.file_path == request.file_path
                and operation.overlaps(each.begin, _last_moment(each))
            ]
            assert overtakers, (
                f"{operation.attempt_id} was told that it was overtaken ({answer.detail}), and no "
                "other write on its file can have taken effect while it ran"
            )


def test_each_answer_fits_what_happened_meanwhile(explored: Callable[[], None]) -> None:
    """Under concurrent attempts, cancellation, lock-outs and overtaking."""
    explored()
