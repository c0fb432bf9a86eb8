"""Every answer was true at some moment between the call and the return.

That is linearizability, judged by intervals: the journal fixes the order of the writes, a version
can have been current from its writer's call until the next writer's return, and an answer must
fit one that was current while it was asked for. A read from yesterday breaks it, and so does a
later version written by somebody who had returned before the earlier writer called.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from properties.history import Operation
from properties.rules import Evidence, model
from properties.subjects import AnswerKind


@dataclass(frozen=True)
class Reign:
    """A version and the longest time in which it can have been current."""

    version: int
    state: str
    begin: float
    end: float


def reigns(evidence: Evidence, file_path: str) -> Iterator[Reign]:
    """Yield a file's versions in order."""
    writers = {each.attempt_id: each for each in evidence.operations}
    version, state, begin = 0, model.INITIAL, 0.0
    for entry in evidence.snapshot.of_file(file_path):
        writer = writers[entry.attempt_id]
        end = float("inf") if writer.end is None else float(writer.end)
        yield Reign(version, state, begin, end)
        version, state, begin = entry.version, entry.to_state, float(writer.begin)
    yield Reign(version, state, begin, float("inf"))


def fits(operation: Operation, reign: Reign) -> bool:
    """Whether the answer is true of this version."""
    request, answer = operation.request, operation.answer
    if answer is None:
        return True
    if answer.kind is AnswerKind.NOT_ALLOWED:
        return model.target(reign.state, request.event) is None
    if answer.kind is AnswerKind.REJECTED:
        legal = model.target(reign.state, request.event) is not None
        return legal and not request.guard_says
    if answer.kind is AnswerKind.STALE and request.expected_version is not None:
        return reign.version != request.expected_version
    if answer.kind.says_moved and answer.version is not None:
        return reign.version == answer.version - 1
    return True


def judge(evidence: Evidence) -> None:
    """Look for the moment of each answer, and compare the writes' order with real time."""
    for file_path in evidence.snapshot.rows:
        known = list(reigns(evidence, file_path))
        for operation in evidence.operations:
            if operation.request.file_path != file_path or operation.answer is None:
                continue
            seen = [each for each in known if operation.overlaps(int(each.begin), each.end)]
            told = operation.answer.detail or operation.kind.value
            assert any(fits(operation, each) for each in seen), (
                f"{operation.attempt_id} was told {told}, which was true of none of {seen}"
            )
        _writes_follow_real_time(evidence, file_path)


def _writes_follow_real_time(evidence: Evidence, file_path: str) -> None:
    writers = {each.attempt_id: each for each in evidence.operations}
    entries = evidence.snapshot.of_file(file_path)
    for index, entry in enumerate(entries):
        for later in entries[index + 1 :]:
            ended = writers[later.attempt_id].end
            assert ended is None or ended >= writers[entry.attempt_id].begin, (
                f"version {later.version} was written by {later.attempt_id}, which had returned "
                f"before {entry.attempt_id}, the writer of version {entry.version}, was called"
            )


def test_each_answer_fits_a_version_of_its_time(explored: Callable[[], None]) -> None:
    """Under concurrent attempts, cancellation, lock-outs and overtaking."""
    explored()
