"""Only the entitled move a row: guards, expected versions and callbacks decide, and are asked.

Whoever committed had a guard that said yes, the version that was expected, and no callback that
raised before the commit; one that raised after it is told so. And everything that was to happen
at a callback has happened to whoever was told success. A guard whose answer is not looked at, an
expected version that is not compared, a callback whose error is swallowed or that is never called
breaks it.
"""

from collections.abc import Callable

from properties.history import Operation
from properties.rules import Evidence
from properties.subjects import AnswerKind, Offer, Place

NEEDS = frozenset({Offer.JOURNAL, Offer.GUARDS, Offer.EXPECTED_VERSION, Offer.CALLBACKS})


def judge(evidence: Evidence) -> None:
    """Compare what each worker asked for and met with what it got."""
    for operation in evidence.operations:
        if operation.actor != "worker" or operation.answer is None:
            continue
        entry = evidence.snapshot.entry_of(operation.attempt_id)
        raised = _places(operation, "raises")
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
            planned = {place for place, _ in operation.request.disturbances} - {Place.BACKOFF}
            missed = planned - _places(operation, "")
            assert not missed, f"{operation.attempt_id} never came to {missed}"


def _places(operation: Operation, what: str) -> set[Place]:
    marks = [mark for _, mark in operation.marks]
    return {
        place for place in Place if any(mark.startswith(f"{place.value}: {what}") for mark in marks)
    }


def test_guards_versions_and_callbacks_decide(explored: Callable[[], None]) -> None:
    """Guards say no and raise, versions are old, callbacks raise on both sides of the commit."""
    explored()
