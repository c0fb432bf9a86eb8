"""What a caller was told becomes what a checker can judge, neither more nor less."""

import dataclasses

import pytest

from properties.history import JournalRow, Observation, Operation, Snapshot
from properties.history.checker import check
from properties.history.records import Kind, Outcome, Record
from properties.history.told import history_of
from properties.history.verdicts import Finding
from properties.subjects import FILES, Answer, AnswerKind, Request

STATES = frozenset(FILES.edges)


def _operation(answer: Answer | None, expected_version: int | None = None) -> Operation:
    request = Request(
        attempt_id="A", file_path="f", event="start_upload", expected_version=expected_version
    )
    return Operation("worker", request, 3, end=None if answer is None else 5, answer=answer)


def _record(operation: Operation, snapshot: Snapshot | None = None) -> Record:
    (record,) = history_of([operation], [], snapshot, lifecycle=FILES).records
    return record


ASKED = Record(
    name="A",
    process="A",
    key="f",
    kind=Kind.CAS,
    outcome=Outcome.FAIL,
    call=3,
    ret=5,
    value="uploading",
)


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        (AnswerKind.NOT_ALLOWED, {"only_in": STATES - {"untracked"}}),
        (AnswerKind.REJECTED, {"only_in": frozenset({"untracked"})}),
        (AnswerKind.STALE, {}),
        (AnswerKind.BUSY, {}),
        (AnswerKind.FAILED, {}),
        (AnswerKind.CANCELLED, {"outcome": Outcome.UNKNOWN}),
        (AnswerKind.UNKNOWN, {"outcome": Outcome.UNKNOWN}),
    ],
)
def test_an_answer_without_a_version(kind: AnswerKind, told: dict[str, object]) -> None:
    """It says in which states it is true, or nothing, or that nobody knows."""
    expected = dataclasses.replace(ASKED, **told)  # type: ignore[arg-type]
    assert expected == _record(_operation(Answer(kind=kind)))


def test_stale_with_an_expectation_is_an_observation() -> None:
    """Another version than the expected one was there."""
    expected = dataclasses.replace(ASKED, expected=4, is_stale=True)
    assert expected == _record(_operation(Answer(kind=AnswerKind.STALE), 4))


@pytest.mark.parametrize("kind", [AnswerKind.SUCCESS, AnswerKind.FAILED_AFTER_COMMIT])
def test_a_success_wrote_what_it_was_told(kind: AnswerKind) -> None:
    """States and version are the answer's own."""
    answer = Answer(kind=kind, from_state="untracked", to_state="uploading", version=1)
    expected = dataclasses.replace(ASKED, outcome=Outcome.OK, version=1, from_value="untracked")
    assert expected == _record(_operation(answer))


def test_an_attempt_that_still_runs_is_unknown() -> None:
    """It has no return."""
    expected = dataclasses.replace(ASKED, outcome=Outcome.UNKNOWN, ret=None)
    assert expected == _record(_operation(None))


ENTRY = JournalRow("A", "f", 1, "start_upload", "untracked", "uploading")


@pytest.mark.parametrize(
    ("journal", "told"),
    [
        ((), {"ret": 6}),
        (
            (ENTRY,),
            {"ret": 6, "outcome": Outcome.OK, "version": 1, "from_value": "untracked"},
        ),
    ],
)
def test_the_journal_settles_an_unknown(
    journal: tuple[JournalRow, ...], told: dict[str, object]
) -> None:
    """At any moment before the journal was read, or never."""
    snapshot = Snapshot({}, journal, "ok")
    expected = dataclasses.replace(ASKED, **told)  # type: ignore[arg-type]
    assert expected == _record(_operation(Answer(kind=AnswerKind.CANCELLED)), snapshot)


def test_without_a_journal_an_unknown_stays_unknown() -> None:
    """An empty journal says that nothing was written; none says nothing."""
    snapshot = Snapshot({}, (), "ok", has_journal=False)
    expected = dataclasses.replace(ASKED, outcome=Outcome.UNKNOWN)
    assert expected == _record(_operation(Answer(kind=AnswerKind.CANCELLED)), snapshot)


def test_a_read_is_an_operation() -> None:
    """And takes part: a success that a later read does not see is a contradiction."""
    answer = Answer(
        kind=AnswerKind.SUCCESS, from_state="untracked", to_state="uploading", version=1
    )
    seen = Observation(actor="reader", file_path="f", begin=6, end=7, state="untracked", version=0)
    history = history_of([_operation(answer)], [seen], None, lifecycle=FILES)
    judgement = check(history)
    assert Finding.ILLEGAL is judgement.finding
    assert (
        "f: A wrote version 1 and had returned before read-1, which read version 0, was called"
        == judgement.told().splitlines()[0]
    )
