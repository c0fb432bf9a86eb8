"""Every answer was true at some moment between the call and the return.

An answer that names a version or a state is judged by `the_history_is_linearizable`. This law
judges what such a history leaves out: who is told *stale* without having expected a version was
overtaken by a write that can have taken effect while it ran, and who is told that its guard said
no has a guard that says no. Who is told *stale* is told a row that there was, and not the one that
it expected (without a journal nobody knows). Who is told that it failed has met something that
fails attempts, or ran beside somebody who has: a callback that raised, or a fault.
"""

from collections.abc import Callable

from properties.history import Operation
from properties.rules import Evidence
from properties.subjects import AnswerKind, Row

FAILS_NOBODY = (
    "waits",
    "is cancelled",
    "is cancelled twice",
    "is overtaken",
    "is locked out",
    "finds the clock stepped",
    "reached",
    "holds the lock",
)
"""What can happen on the way of an attempt and is no reason to fail."""
OPEN_ENDED = (AnswerKind.CANCELLED, AnswerKind.UNKNOWN)


def _last_moment(writer: Operation) -> float:
    """Return when its write can have taken effect at the latest: a cancelled commit may be late."""
    if writer.end is None or writer.kind in OPEN_ENDED:
        return float("inf")
    return writer.end


def _time_of(operation: Operation) -> tuple[int, float]:
    return operation.begin, float("inf") if operation.end is None else operation.end


def _may_have_written(operation: Operation) -> bool:
    return operation.answer is None or not operation.kind.says_unmoved


def _can_fail(operation: Operation) -> bool:
    return any(not mark.endswith(FAILS_NOBODY) for _, mark in operation.marks)


def judge(evidence: Evidence) -> None:
    """Look for who overtook whom, and at what the guards were to say."""
    entries, has_journal = evidence.snapshot.journal, evidence.snapshot.has_journal
    written = {entry.attempt_id for entry in entries}
    rows = {(name, Row(evidence.lifecycle.initial, 0)) for name in evidence.snapshot.rows}
    rows |= {(entry.file_path, Row(entry.to_state, entry.version)) for entry in entries}
    writers = [
        each
        for each in evidence.operations
        if (each.attempt_id in written if has_journal else _may_have_written(each))
    ]
    for operation in evidence.operations:
        request, answer = operation.request, operation.answer
        if answer is None:
            continue
        if answer.kind is AnswerKind.REJECTED:
            assert not request.guard_says, (
                f"{operation.attempt_id} was told that its guard said no, and it says yes"
            )
        if answer.kind is AnswerKind.FAILED and operation.actor == "worker":
            beside = (each for each in evidence.operations if each.overlaps(*_time_of(operation)))
            assert any(map(_can_fail, beside)), (
                f"{operation.attempt_id} was told that it failed ({answer.detail}), and neither it "
                "nor who ran beside it met anything that fails an attempt"
            )
        if answer.found is not None and has_journal:
            assert (request.file_path, answer.found) in rows, (
                f"{operation.attempt_id} was told that it found {answer.found}: there never was one"
            )
            assert answer.found.version != request.expected_version, (
                f"{operation.attempt_id} was told that it found what it expected: {answer.found}"
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
