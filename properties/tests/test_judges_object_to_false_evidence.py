"""Evidence that no subject may give breaks its law; the same without what is false breaks none."""

import dataclasses
from typing import Any

import pytest

from properties.faults.judges import machine_judges
from properties.history import JournalRow, Operation, Snapshot
from properties.rules import Evidence
from properties.rules.court import Judge
from properties.subjects import Answer, AnswerKind, Place, Request, Row
from properties.subjects.protocol import Shown

EDGES = "only_legal_edges_are_taken"
ANSWERS = "every_answer_was_true_at_some_moment"
ENTITLED = "only_the_entitled_move_a_row"
STAYS = "an_acknowledged_transition_stays"
RETRIES = "retries_are_bounded"


async def _nothing() -> None:
    pass


def _operation(
    name: str, event: str, moments: tuple[int, int], answer: Answer, **asked: Any
) -> Operation:
    request = Request(attempt_id=name, event=event, **{"file_path": "f", **asked})
    begin, end = moments
    return Operation("worker", request, begin, end=end, answer=answer)


def _moved(source: str, target: str, version: int, **told: Any) -> Answer:
    kind = AnswerKind.SUCCESS
    return Answer(kind=kind, from_state=source, to_state=target, version=version, **told)


FIRST = _operation("a", "start_upload", (1, 2), _moved("untracked", "uploading", 1))
FIRST_ENTRY = JournalRow("a", "f", 1, "start_upload", "untracked", "uploading")


def _evidence(
    *operations: Operation, entries: tuple[JournalRow, ...] = (), **more: Any
) -> Evidence:
    journal = (FIRST_ENTRY, *entries)
    state, version = journal[-1].to_state, journal[-1].version
    rows = {"f": (state, version), "g": ("untracked", 0)}
    true = Evidence(
        operations=[FIRST, *operations],
        snapshot=Snapshot(rows=rows, journal=journal, integrity="ok"),
        log=[],
        outcomes={},
        reads={},
        leaks=[],
        backoffs={},
    )
    return dataclasses.replace(true, **more)


def _took_another_edge(kind: AnswerKind) -> Evidence:
    asked = _operation("b", "fail_upload", (3, 4), Answer(kind=kind))
    entry = JournalRow("b", "f", 2, "complete_upload", "uploading", "processing")
    return _evidence(asked, entries=(entry,))


def _failed_beside_another() -> Evidence:
    failed = Answer(kind=AnswerKind.FAILED, detail="TypeError")
    beside = _operation("c", "fail_upload", (3, 6), Answer(kind=AnswerKind.NOT_ALLOWED))
    return _evidence(_operation("b", "complete_upload", (4, 5), failed), beside)


def _shown(place: Place, state: str, version: int, **edge: Any) -> Evidence:
    true = {"event": "start_upload", "from_state": "untracked", "to_state": "uploading"}
    what: Any = {"attempt_id": "a", "place": place, "file_path": "f", **true, **edge}
    return _evidence(shown=[Shown(row=Row(state, version), **what)])


def _called_twice() -> Evidence:
    first = dataclasses.replace(
        FIRST,
        request=dataclasses.replace(
            FIRST.request, disturbances=((Place.AFTER_COMMIT, _nothing), (Place.BACKOFF, _nothing))
        ),
        marks=[(1, "after commit: waits"), (2, "after commit: waits")],
    )
    return _evidence(operations=[first])


def _reached_and_raised() -> Evidence:
    answer = Answer(kind=AnswerKind.FAILED)
    callbacks = ((Place.GUARD, _nothing), (Place.BACKOFF, _nothing))
    failed = _operation("b", "fail_upload", (3, 6), answer, disturbances=callbacks)
    failed.marks += [(4, "guard: reached"), (5, "guard: raises")]
    return _evidence(failed)


def _told(**told: Any) -> Evidence:
    answer = _moved("untracked", "uploading", 1, **told)
    return _evidence(operations=[dataclasses.replace(FIRST, answer=answer)])


def _stale(found: Row, expected_version: int | None = None) -> Evidence:
    answer = Answer(kind=AnswerKind.STALE, found=found)
    asked = {"expected_version": expected_version}
    return _evidence(_operation("b", "start_upload", (1, 3), answer, **asked))


FALSE: dict[str, tuple[str, Evidence]] = {
    "an unknown attempt took another edge": (EDGES, _took_another_edge(AnswerKind.UNKNOWN)),
    "a cancelled attempt took another edge": (EDGES, _took_another_edge(AnswerKind.CANCELLED)),
    "an entry of a file that is not there": (
        EDGES,
        _evidence(snapshot=Snapshot(rows={}, journal=(FIRST_ENTRY,), integrity="ok")),
    ),
    "an entry of nobody": (EDGES, _evidence(operations=[])),
    "a failure that nothing explains": (ANSWERS, _failed_beside_another()),
    "a guard is shown the row as it will be": (ENTITLED, _shown(Place.GUARD, "uploading", 1)),
    "a guard is shown a row that never was": (ENTITLED, _shown(Place.GUARD, "untracked", 7)),
    "a guard is shown another edge": (
        ENTITLED,
        _shown(Place.GUARD, "untracked", 0, to_state="processing"),
    ),
    "after the commit the old row": (ENTITLED, _shown(Place.AFTER_COMMIT, "untracked", 0)),
    "after the commit twice": (ENTITLED, _called_twice()),
    "a result of another attempt": (STAYS, _told(about=("b", "f", "start_upload"))),
    "a try too many is told": (RETRIES, _told(tries=2)),
    "found what never was": (ANSWERS, _stale(Row("uploading", 0))),
    "found what was expected": (ANSWERS, _stale(Row("untracked", 0), expected_version=0)),
}
TRUE = {
    "a guard that is reached, and then raises": _reached_and_raised(),
    "one attempt": _evidence(),
    "a guard is shown the row": _shown(Place.GUARD, "untracked", 0),
    "after the commit the new row": _shown(Place.AFTER_COMMIT, "uploading", 1),
    "a result of its own, at the first try": _told(about=("a", "f", "start_upload"), tries=1),
    "found what another had written": _stale(Row("uploading", 1), expected_version=0),
}


def _judges() -> dict[str, Judge]:
    return {law: machine_judges()[law] for law in (EDGES, ANSWERS, ENTITLED, STAYS, RETRIES)}


@pytest.mark.parametrize("what", FALSE)
def test_false_evidence_is_objected_to(what: str) -> None:
    """By its law."""
    law, evidence = FALSE[what]
    with pytest.raises(AssertionError):
        _judges()[law](evidence)


@pytest.mark.parametrize("what", TRUE)
def test_true_evidence_is_not(what: str) -> None:
    """The same evidence without what is false in it, before each of these laws."""
    for judge in _judges().values():
        judge(TRUE[what])
