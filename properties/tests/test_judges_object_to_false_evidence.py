"""Evidence that no subject may give breaks its law; the same without what is false breaks none."""

import dataclasses
from typing import Any

import pytest

from properties.faults.judges import machine_judges
from properties.history import JournalRow, Observation, Operation, Snapshot
from properties.history.observer import THE_FILE
from properties.rules import Evidence
from properties.rules.court import Judge
from properties.subjects import FILES, Answer, AnswerKind, Lifecycle, Place, Request, Row
from properties.subjects.protocol import Shown

EDGES = "only_legal_edges_are_taken"
ANSWERS = "every_answer_was_true_at_some_moment"
ENTITLED = "only_the_entitled_move_a_row"
STAYS = "an_acknowledged_transition_stays"
RETRIES = "retries_are_bounded"
ONE_WINNER = "a_stale_writer_never_wins"
SERVED = "an_undisturbed_attempt_succeeds"
LINEAR = "the_history_is_linearizable"


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
        lifecycle=FILES,
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


DOOR = Lifecycle("shut", {"shut": {"turn": "open", "lock": "locked"}, "open": {"turn": "shut"}})


def _door(
    row: tuple[str, int],
    *operations: tuple[str, tuple[int, int], Answer],
    seen: tuple[int, int, str, int] | None = None,
) -> Evidence:
    """Return what is known of a door that keeps no journal; ``seen`` is a look into its file."""
    looks = []
    if seen is not None:
        begin, end, state, version = seen
        looks = [
            Observation(
                actor=THE_FILE, file_path="f", begin=begin, end=end, state=state, version=version
            )
        ]
    return Evidence(
        operations=[
            _operation(f"a{number}", event, moments, answer)
            for number, (event, moments, answer) in enumerate(operations)
        ],
        snapshot=Snapshot(rows={"f": row}, journal=(), integrity="ok", has_journal=False),
        log=[],
        outcomes={},
        reads={"f": Row(*row)},
        leaks=[],
        backoffs={},
        observations=looks,
        lifecycle=DOOR,
    )


OPENED = ("turn", (1, 2), _moved("shut", "open", 1))
CUT_OFF = ("turn", (1, 2), Answer(kind=AnswerKind.CANCELLED))
REFUSED = ("turn", (5, 6), Answer(kind=AnswerKind.NOT_ALLOWED))
NO_EDGE = ("lock", (5, 6), Answer(kind=AnswerKind.NOT_ALLOWED))
BESIDE = ("turn", (3, 4), Answer(kind=AnswerKind.BUSY))
LATER = ("turn", (1, 2), _moved("shut", "open", 3))
JUMPED = ("turn", (1, 2), _moved("shut", "locked", 1))
UNTOLD = ("turn", (1, 2), Answer(kind=AnswerKind.SUCCESS))
OVERTAKEN = ("turn", (3, 4), Answer(kind=AnswerKind.STALE))

FALSE: dict[str, tuple[str, Evidence]] = {
    "no journal, and two are told the same version": (
        ONE_WINNER,
        _door(("open", 1), OPENED, ("turn", (1, 3), _moved("shut", "open", 1))),
    ),
    "no journal, and no version is told": (ONE_WINNER, _door(("open", 1), UNTOLD)),
    "no journal, and the row is not where so many steps lead": (EDGES, _door(("shut", 1), OPENED)),
    "no journal, and what was told is no edge": (EDGES, _door(("locked", 1), JUMPED)),
    "no journal, and what was acknowledged is gone": (STAYS, _door(("open", 1), LATER)),
    "no journal, and another state at its version": (STAYS, _door(("locked", 1), OPENED)),
    "no journal, and nobody overtook": (ANSWERS, _door(("shut", 0), OVERTAKEN, BESIDE)),
    "no journal, and who was alone is refused": (
        SERVED,
        _door(("open", 1), OPENED, REFUSED, seen=(3, 4, "open", 1)),
    ),
    "no journal, and a version that nobody wrote": (
        LINEAR,
        _door(("shut", 2), OPENED, seen=(3, 4, "shut", 2)),
    ),
    "no journal, and one who was cut off wrote twice": (
        LINEAR,
        _door(("open", 3), CUT_OFF, seen=(3, 4, "open", 3)),
    ),
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
    "no journal": _door(("open", 1), OPENED, seen=(3, 4, "open", 1)),
    "no journal, and one who was cut off writes after the look": _door(
        ("open", 1), CUT_OFF, NO_EDGE, seen=(3, 4, "shut", 0)
    ),
    "no journal, and one who was cut off has written": _door(
        ("open", 1), CUT_OFF, NO_EDGE, OVERTAKEN, seen=(7, 8, "open", 1)
    ),
    "a guard is shown the row": _shown(Place.GUARD, "untracked", 0),
    "after the commit the new row": _shown(Place.AFTER_COMMIT, "uploading", 1),
    "a result of its own, at the first try": _told(about=("a", "f", "start_upload"), tries=1),
    "found what another had written": _stale(Row("uploading", 1), expected_version=0),
}


JUDGED = (EDGES, ANSWERS, ENTITLED, STAYS, RETRIES, ONE_WINNER, SERVED, LINEAR)


def _judges() -> dict[str, Judge]:
    return {law: machine_judges()[law] for law in JUDGED}


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
