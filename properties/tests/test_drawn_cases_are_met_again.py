"""What one run drew, another meets as the same values, whatever draws there."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from properties.cases import Cases, NoCaseError, content_of, value_of
from properties.profiles import PROFILES
from properties.rules.contention import Script
from properties.rules.exploration import explore
from properties.rules.schedules import Drawn, explore_schedules
from properties.rules.troubles import TOUR
from properties.rules.workload import Arrival, Workload
from properties.simulation.schedulers.hypothesis import DrawnScheduler
from properties.subjects import CORE_SUBJECTS, Place

SUBJECT = "handrolled-unlocked"
BRIEF = PROFILES["brief"].explored
WORKLOAD = Workload(subject="x", phases=((Arrival(event="e", troubles=TOUR[0].troubles),),))


@pytest.mark.parametrize(
    "case",
    [
        None,
        True,
        -3,
        2.5,
        "a\x00b \N{SNOWMAN}",
        [1, [2], (3,)],
        ({1, 7, 3}, 4),
        Place.GUARD,
        {"race": list(TOUR), "glances": [(0, 9)]},
        (WORKLOAD, DrawnScheduler(((3, 1), (0, 2))), 2**32 - 1),
    ],
    ids=repr,
)
def test_a_case_comes_back_as_it_was(case: object) -> None:
    """Through JSON, with the types that laws look at: a tuple is no list."""
    again = value_of(json.loads(json.dumps(content_of(case))))
    assert (type(case), repr(case)) == (type(again), repr(again))
    assert case == again


@pytest.mark.parametrize(
    "content",
    [
        {"is": "os:system", "of": "true"},
        {"is": "properties.cases:json", "of": {}},
        {"is": "properties.cases:Cases", "of": {}},
        {"is": "properties.cases:nobody", "of": {}},
        {"of": []},
    ],
)
def test_nothing_else_is_made_of_a_file(content: Any) -> None:
    """The other side wrote it, with a library that is in question."""
    with pytest.raises(NoCaseError):
        value_of(content)


def test_what_is_no_value_is_refused() -> None:
    """A case that cannot be met again must not look as if it could."""
    with pytest.raises(NoCaseError, match="builtins:object cannot be kept"):
        content_of([object()])


def test_a_file_is_written_case_by_case_and_read_until_it_was_cut_off(tmp_path: Path) -> None:
    """Who was killed leaves what was met; a question without cases has none, and none are drawn."""
    path = tmp_path / "cases.jsonl"
    cases = Cases()
    assert cases.given("a law") is None
    cases.note("a law", 0)
    cases.note_in(path)
    cases.note("a law", (1, 2))
    cases.note("another", "x")
    cases.close()
    with path.open("a") as stream:
        stream.write('{"of": "a law", "ca')
    again = Cases()
    again.take_from(path)
    assert ([(1, 2)], ["x"], []) == tuple(map(again.given, ("a law", "another", "a third")))
    path.write_text("[]\n")
    with pytest.raises(NoCaseError, match=r"cases\.jsonl: no case"):
        again.take_from(path)


def test_a_race_follows_the_rules_that_were_drawn(tmp_path: Path) -> None:
    """The same scripts again, written and read; the tour is in none of them."""
    drawn: list[Script] = []
    judges = {"nothing": lambda _evidence: None}
    first = explore(CORE_SUBJECTS[SUBJECT], judges, BRIEF, noted=drawn.append)
    assert first.harness_error is None
    assert drawn and not any(("a_worker_is_alone", {"work": TOUR[0]}) in each for each in drawn)
    path = tmp_path / "cases.jsonl"
    written = Cases()
    written.note_in(path)
    for each in drawn:
        written.note("races", each)
    written.close()
    read = Cases()
    read.take_from(path)
    met: list[Script] = []
    again = explore(
        CORE_SUBJECTS[SUBJECT], judges, BRIEF, noted=met.append, given=read.given("races")
    )
    assert again.harness_error is None
    assert drawn == met
    for counted in ("attempts", "steps"):
        assert first.tally[counted] == again.tally[counted]


def test_a_schedule_is_met_again_and_breaks_the_same_law() -> None:
    """What was drawn on one side is judged on the other, without a draw."""
    drawn: list[Drawn] = []
    tally: Counter[str] = Counter()

    def is_lonely(evidence: Any) -> None:
        assert len(evidence.operations) < 2, "two are too many"

    subject = CORE_SUBJECTS[SUBJECT]
    found = explore_schedules(
        SUBJECT, subject, {"lonely": is_lonely}, BRIEF, tally, noted=drawn.append
    )
    broken = [each for each in drawn if sum(map(len, each[0].phases)) > 1]
    assert set(found.broken) == {"lonely"} and broken
    again = explore_schedules(SUBJECT, subject, {"lonely": is_lonely}, BRIEF, given=broken[:1])
    assert set(again.broken) == {"lonely"}
    alone = [(WORKLOAD_ALONE, DrawnScheduler(()), 0)]
    assert (
        {} == explore_schedules(SUBJECT, subject, {"lonely": is_lonely}, BRIEF, given=alone).broken
    )


WORKLOAD_ALONE = Workload(subject=SUBJECT, phases=((Arrival(event="start_upload"),),))
