"""Only the entitled move a row: guards, expected versions and callbacks decide, and are asked.

Whoever committed had a guard that said yes, the version that was expected, and no callback that
raised before the commit; one that raised after it is told so. And everything that was to happen
at a callback has happened to whoever was told success: once a try before the commit, and once
after it. What they decide about is true: a row that there was, and the edge that was asked for;
of who moved the row, the row from before it, and after the commit the row as written. A guard
whose answer is not looked at or who is shown another row, an expected version that is not
compared, a callback whose error is swallowed, that is never called or called again breaks it.
"""

from collections import Counter
from collections.abc import Callable

from properties.history import Operation
from properties.rules import Evidence
from properties.subjects import AnswerKind, Offer, Place, Row

NEEDS = frozenset({Offer.JOURNAL, Offer.GUARDS, Offer.EXPECTED_VERSION, Offer.CALLBACKS})


def judge(evidence: Evidence) -> None:
    """Compare what each worker asked for, met and was shown with what it got."""
    _judge_what_was_shown(evidence)
    for operation in evidence.operations:
        if operation.actor != "worker" or operation.answer is None:
            continue
        entry = evidence.snapshot.entry_of(operation.attempt_id)
        raised = set(_places(operation, "raises"))
        planned = Counter(place for place, _ in operation.request.disturbances)
        tries = 1 + evidence.backoffs.get(operation.attempt_id, 0)
        reached = _places(operation, "reached")  # and then, perhaps, what happens there
        called = reached | (_places(operation, "") - reached)
        for place, times in called.items():
            if place is Place.AFTER_COMMIT:
                most = planned[place]
            elif Place.BACKOFF in planned:
                most = planned[place] * tries
            else:
                continue  # nobody tells how often it was tried
            if place is Place.GUARD:
                continue  # a question, which may be asked twice
            told = f"{operation.attempt_id} came {times} times to {place.value} in {tries} tries"
            assert times <= most, told
        if entry is not None:
            request = operation.request
            expected = request.expected_version
            assert request.guard_says, f"{operation.attempt_id} moved, and its guard said no"
            as_expected = expected in (None, entry.version - 1)
            assert as_expected, f"{operation.attempt_id} expected version {expected}: {entry}"
            before = raised - {Place.AFTER_COMMIT}
            assert not before, f"{operation.attempt_id} moved, and a callback had raised"
        if operation.kind is AnswerKind.SUCCESS:
            assert not raised, f"{operation.attempt_id} was told success, and a callback had raised"
            missed = set(planned) - {Place.BACKOFF} - set(_places(operation, ""))
            assert not missed, f"{operation.attempt_id} never came to {missed}"


def _judge_what_was_shown(evidence: Evidence) -> None:
    asked_for = {
        each.attempt_id: (each.request.file_path, each.request.event)
        for each in evidence.operations
    }
    entries = {entry.attempt_id: entry for entry in evidence.snapshot.journal}
    rows = {(name, Row(evidence.lifecycle.initial, 0)) for name in evidence.snapshot.rows}
    rows |= {(each.file_path, Row(each.to_state, each.version)) for each in entries.values()}
    last = {(each.attempt_id, each.place): each for each in evidence.shown}
    for each in evidence.shown:
        told = f"{each.place.value} of {each.attempt_id} was shown {each}"
        assert asked_for[each.attempt_id] == (each.file_path, each.event), told
        assert each.to_state == evidence.lifecycle.target(each.from_state, each.event), told
        assert (each.file_path, each.row) in rows, f"{told}: there never was such a row"
        is_after = each.place is Place.AFTER_COMMIT
        assert each.row.state == (each.to_state if is_after else each.from_state), told
        entry = entries.get(each.attempt_id)
        if entry is not None and each is last[each.attempt_id, each.place]:
            assert each.row.version == entry.version - (not is_after), f"{told}, moved: {entry}"


def _places(operation: Operation, what: str) -> Counter[Place]:
    return Counter(
        place
        for _, mark in operation.marks
        for place in Place
        if mark.startswith(f"{place.value}: {what}")
    )


def test_guards_versions_and_callbacks_decide(explored: Callable[[], None]) -> None:
    """Guards say no and raise, versions are old, callbacks raise on both sides of the commit."""
    explored()
