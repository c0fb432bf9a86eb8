"""Unknown is said when the checker fails, when it cannot tell, and never otherwise."""

import dataclasses

import pytest

from properties.history import checker, writers
from properties.history.checker import check
from properties.history.records import (
    History,
    Initial,
    Kind,
    MalformedHistoryError,
    Outcome,
    Record,
)
from properties.history.search import search
from properties.history.verdicts import Finding

START = {"x": Initial(version=0, value="a")}
WRITE = Record(
    name="A",
    process="A",
    key="x",
    kind=Kind.CAS,
    outcome=Outcome.OK,
    call=1,
    ret=2,
    expected=0,
    version=1,
    value="b",
)
READ = Record(
    name="B",
    process="B",
    key="x",
    kind=Kind.READ,
    outcome=Outcome.OK,
    call=3,
    ret=4,
    version=1,
    value="b",
)


def _history(*records: Record) -> History:
    return History(records=records, initial=START)


def test_a_checker_that_fails_has_not_passed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A slip of the judge is unknown, with its error."""

    def slip(*_given: object) -> None:
        raise NameError("a slip")

    monkeypatch.setattr(checker, "readings", slip)
    judgement = check(_history(WRITE))
    assert (Finding.UNKNOWN, "the checker itself failed (NameError: a slip)") == (
        judgement.finding,
        judgement.reason,
    )


def test_a_search_that_runs_out_says_unknown() -> None:
    """An unknown that took any version may explain the gap; without steps nobody knows."""
    wild = dataclasses.replace(
        WRITE, name="W", outcome=Outcome.UNKNOWN, expected=None, version=None
    )
    history = _history(wild, READ)
    assert Finding.OK is check(history).finding
    judgement = check(history, step_limit=0)
    assert Finding.UNKNOWN is judgement.finding
    assert "W may have written any version" in judgement.told()
    assert None is search(history.records, START["x"], 0)


def test_too_many_readings_are_searched(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the limit of choices among unknowns the search decides, both ways."""
    monkeypatch.setattr(writers, "READING_LIMIT", 2)
    rivals = [
        dataclasses.replace(
            WRITE,
            name=f"U{version}{value}",
            outcome=Outcome.UNKNOWN,
            expected=version,
            version=None,
            value=value,
            ret=None,
        )
        for version in range(3)
        for value in "bc"
    ]
    last = dataclasses.replace(READ, version=3, call=90, ret=91)
    assert Finding.OK is check(_history(*rivals, last)).finding
    refused = dataclasses.replace(
        WRITE,
        name="R",
        outcome=Outcome.FAIL,
        version=None,
        only_in=frozenset("z"),
        call=92,
        ret=93,
    )
    assert Finding.ILLEGAL is check(_history(*rivals, last, refused)).finding
    judgement = check(_history(*rivals, last, refused), step_limit=10)
    assert (Finding.UNKNOWN, True) == (
        judgement.finding,
        "too many readings, and 10 steps" in judgement.told(),
    )


@pytest.mark.parametrize(
    ("record", "said"),
    [
        (dataclasses.replace(WRITE, ret=0), "returned at 0, before it was called at 1"),
        (dataclasses.replace(WRITE, ret=None), "ended ok but never returned"),
        (dataclasses.replace(WRITE, version=None), "ok needs the version"),
        (dataclasses.replace(WRITE, key="y"), "nothing says what 'y' held in the beginning"),
        (dataclasses.replace(READ, expected=1), "a read expects nothing"),
        (dataclasses.replace(WRITE, outcome=Outcome.UNKNOWN), "unknown knows of no version"),
        (dataclasses.replace(WRITE, is_stale=True), "only a failed operation says why"),
    ],
)
def test_a_record_that_makes_no_sense_is_told(record: Record, said: str) -> None:
    """By name, with what is wrong; and whoever judges it all the same says unknown."""
    with pytest.raises(MalformedHistoryError, match=said):
        _history(record).checked()
    assert Finding.UNKNOWN is check(_history(record)).finding


def test_two_of_a_name_are_no_history() -> None:
    """A contradiction must be able to name its two."""
    with pytest.raises(MalformedHistoryError, match="two operations are named 'A'"):
        _history(WRITE, WRITE).checked()
