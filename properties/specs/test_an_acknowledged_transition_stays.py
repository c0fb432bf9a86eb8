"""An acknowledged transition stays: what a caller was told is in the file for every later reader.

Judged by a connection of its own, after every step: in the journal, and without one in the row,
which can only have gone on. Not claimed here: that it survives a power
loss. An acknowledgement before the commit, or a lost update, breaks it, and so does a file that is
added again and thereby begins anew.
"""

import asyncio
from collections.abc import Callable

from properties.history import Operation
from properties.rules import Evidence
from properties.scratch import scratch_folder
from properties.subjects import Answer, AnswerKind, Request, Row, SubjectFactory


def judge(evidence: Evidence) -> None:
    """Compare each success with its journal entry, and each read with the row."""
    for operation in evidence.operations:
        answer = operation.answer
        if answer is None or answer.kind is not AnswerKind.SUCCESS:
            continue
        if not evidence.snapshot.has_journal:
            _judge_the_row(operation, answer, evidence)
            continue
        entry = evidence.snapshot.entry_of(operation.attempt_id)
        assert entry is not None, f"{operation.attempt_id} was acknowledged and is gone"
        told = (answer.from_state, answer.to_state, answer.version)
        assert (entry.from_state, entry.to_state, entry.version) == told, f"{entry}, told: {told}"
        about = (entry.attempt_id, entry.file_path, entry.event)
        assert answer.about in (None, about), f"{entry}, told of: {answer.about}"
    for file_path, row in evidence.reads.items():
        found = evidence.snapshot.rows[file_path]
        if row.version > found[1] and _may_move_yet(file_path, evidence):
            continue  # it was read after the file was looked into
        assert (row.state, row.version) == found, file_path


def _may_move_yet(file_path: str, evidence: Evidence) -> bool:
    """Whether a write may come after its caller was cut off: a call runs on in its thread."""
    open_ended = (AnswerKind.CANCELLED, AnswerKind.UNKNOWN)
    return any(
        each.request.file_path == file_path and (each.answer is None or each.kind in open_ended)
        for each in evidence.operations
    )


def _judge_the_row(operation: Operation, answer: Answer, evidence: Evidence) -> None:
    state, version = evidence.snapshot.rows[operation.request.file_path]
    told = f"{operation.attempt_id} was told {answer.to_state!r} at version {answer.version}"
    found = f"the row is {state!r} at version {version}"
    assert answer.version is not None, f"{operation.attempt_id} was told no version"
    assert version >= answer.version, f"{told}, {found}"
    assert version > answer.version or state == answer.to_state, f"{told}, {found}"


def test_what_was_acknowledged_is_read_back(explored: Callable[[], None]) -> None:
    """Under concurrent attempts, cancellation, lock-outs and overtaking."""
    explored()


def test_a_file_that_is_added_again_stays_as_it_is(make_subject: SubjectFactory) -> None:
    """The second time is refused, and the row is where it was."""

    subject = make_subject()
    ((event, target),) = subject.lifecycle.road(1)

    async def use(path: str) -> tuple[AnswerKind, bool, Row]:
        await subject.make(path)
        try:
            await subject.seed("f")
            asked = Request(attempt_id="a", file_path="f", event=event)
            told = (await subject.attempt(asked)).kind
            try:
                await subject.seed("f")
                is_refused = False
            except Exception:
                is_refused = True
            return told, is_refused, await subject.read("f")
        finally:
            await subject.close()

    with scratch_folder() as folder:
        told, is_refused, row = asyncio.run(use(f"{folder}/files.db"))
    assert (AnswerKind.SUCCESS, Row(target, 1)) == (told, row)
    assert is_refused, "a file was added twice, and nobody was told"
