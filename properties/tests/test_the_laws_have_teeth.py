"""Each law that judges an exploration catches a bug on real time, and no other subject breaks it.

The bugs are those of `properties.mutants`, one a law; `nox -s mutants` asks all laws of all.
"""

import dataclasses
import importlib
from typing import Any

import pytest

from properties.mutants.order import EXPLORED
from properties.profiles import PROFILES
from properties.rules import explore
from properties.subjects import CORE_SUBJECTS
from properties.tests.teeth import MUTANTS, TEETH

QUICK = dataclasses.replace(PROFILES["gate"], explored_count=800, step_count=8)
UNTOUCHED = CORE_SUBJECTS["handrolled-unlocked"]


def _judge(law: str) -> Any:
    return importlib.import_module(f"properties.specs.test_{law}").judge


def test_each_explored_law_has_its_bug() -> None:
    """A law that nothing breaks says nothing."""
    assert sorted(EXPLORED) == sorted(TEETH)


@pytest.mark.parametrize("law", TEETH)
def test_a_bug_is_caught_by_its_law(law: str) -> None:
    """The law fails, with a timeline, and not the harness."""
    mutant = MUTANTS[TEETH[law]]
    with mutant.applied():
        found = explore(mutant, {law: _judge(law)}, QUICK.explored)
    assert None is found.harness_error, found.harness_error
    assert [law] == list(found.broken)
    assert "->" in found.broken[law]


def test_one_broken_law_hides_no_other() -> None:
    """A version too many breaks two laws; both are found in one exploration."""
    broken = {"only_legal_edges_are_taken", "nothing_is_applied_twice"}
    laws = {law: _judge(law) for law in (*broken, "retries_are_bounded")}
    quick = dataclasses.replace(QUICK, explored_count=25)
    mutant = MUTANTS["the_version_is_counted_twice"]
    with mutant.applied():
        found = explore(mutant, laws, quick.explored)
    assert broken == set(found.broken)


def test_the_untouched_subject_keeps_every_law() -> None:
    """Else a kill would prove nothing."""
    quick = dataclasses.replace(QUICK, explored_count=15)
    found = explore(UNTOUCHED, {law: _judge(law) for law in EXPLORED}, quick.explored)
    assert ({}, None) == (found.broken, found.harness_error)


def test_a_failing_judge_breaks_no_law() -> None:
    """A NameError in the harness is the harness's: nothing is broken, nothing has passed."""

    def judge(_evidence: object) -> None:
        raise NameError("a slip of the judge")

    found = explore(UNTOUCHED, {"a_law": judge}, QUICK.explored)
    assert {} == found.broken
    assert "a slip of the judge" in (found.harness_error or "")
