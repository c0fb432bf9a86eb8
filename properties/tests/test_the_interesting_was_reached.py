"""Marks say whether anything interesting happened; what never did fails a nightly run."""

import dataclasses
from collections import Counter

import pytest

from fsmcore import errors
from properties import reach
from properties.profiles import DEV_MINUTES, FIXED_MINUTES_OF_ALL, PROFILES
from properties.reach import ELSEWHERE, HITS, histogram, marks, never
from properties.rules import explore
from properties.simulation.scenarios import promises
from properties.simulation.walking import walks
from properties.subjects import CORE_SUBJECTS, AnswerKind
from reports.schema import Verdict


def test_marks_follow_the_codes_own_lists() -> None:
    """A new answer, a new error, a new edge or trouble is a new mark."""
    due = marks()
    assert len(due) == len(set(due))
    assert {f"told: {kind.value}" for kind in AnswerKind} <= set(due)
    assert "error: StaleTransitionError" in due
    assert "edge: fail_upload from uploading" in due
    assert "trouble: is cancelled at backoff" in due


def test_an_error_that_is_met_elsewhere_exists() -> None:
    """A class that is renamed does not stay excused under its old name."""
    assert [] == [name for name in ELSEWHERE if not hasattr(errors, name)]


def test_what_never_happened_is_named() -> None:
    """The rarest stands first, and zero is told apart."""
    due = ["told: a", "told: b", "edge: c"]
    hits = Counter({"told: a": 1200, "edge: c": 3})
    assert ["told: b"] == never(due, hits)
    lines = histogram(due, hits)
    assert "  reach, told: 1 of 2: b 0, a 1,200" == lines[0]
    assert "  never reached: told: b" == lines[-1]


def test_only_a_nightly_run_fails_for_it() -> None:
    """A short run cannot come by everything; a long one must, and one that failed has failed."""
    judged = reach.judged
    assert Verdict.FAIL is judged(Verdict.PASS, "nightly", ["told: b"])
    assert Verdict.PASS is judged(Verdict.PASS, "nightly", [])
    assert Verdict.PASS is judged(Verdict.PASS, "dev", ["told: b"])
    assert Verdict.INVALID is judged(Verdict.INVALID, "nightly", ["told: b"])


def test_a_histogram_fits_on_a_screen() -> None:
    """Few lines, none of them long, but for what was never reached."""
    lines = histogram(marks(), Counter(dict.fromkeys(marks(), 10**9)))
    assert len(lines) <= 15
    assert max(map(len, lines)) <= reach.WIDTH


def test_the_three_points_of_a_cancellation_are_told_apart() -> None:
    """Before its call runs, after it has run, and after its result has landed."""
    points = [
        "by hand: cut off before a call",
        "by hand: cut off between a call and its result",
        "by hand: cut off after the result has landed",
    ]
    assert set(points) <= set(marks())
    before = {point: HITS[point] for point in points}
    for _ in walks(promises.cut_off("handrolled"), seed=0, count=40, fault_count=2):
        pass
    assert [] == [point for point in points if HITS[point] == before[point]]


def test_a_time_box_is_a_number_of_cases() -> None:
    """What a search needs is taken off first; more than the profile is never tried."""
    nightly, dev = PROFILES["nightly"], PROFILES["dev"]
    boxed = nightly.within(FIXED_MINUTES_OF_ALL + 10 * DEV_MINUTES)
    expected = (10 * dev.explored_count, 10 * dev.walk_count)
    assert expected == (boxed.explored_count, boxed.walk_count)
    assert nightly == nightly.within(9999)
    assert 5 == nightly.within(0.1).explored_count


def test_every_trouble_is_met_before_any_is_drawn() -> None:
    """So that no run, however short, leaves one out."""
    troubles = [mark for mark in marks() if mark.startswith("trouble: ")]
    before = dict(HITS)
    quick = dataclasses.replace(PROFILES["gate"], explored_count=1, step_count=1).explored
    found = explore(CORE_SUBJECTS["handrolled"], {"nothing": lambda _evidence: None}, quick)
    assert ({}, None) == (found.broken, found.harness_error)
    assert [] == [mark for mark in troubles if HITS[mark] == before.get(mark, 0)]


@pytest.mark.parametrize("group", reach.GROUPS)
def test_each_group_has_marks(group: str) -> None:
    """An empty group would always be complete."""
    assert any(mark.startswith(f"{group}: ") for mark in marks())
