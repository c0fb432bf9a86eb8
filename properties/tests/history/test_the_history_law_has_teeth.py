"""Bugs that other laws catch by the journal are seen from outside, by answers and reads alone."""

import dataclasses
from pathlib import Path

import pytest

from properties.history import files
from properties.history.checker import check
from properties.history.verdicts import Finding
from properties.profiles import PROFILES
from properties.rules import Exploration, explore
from properties.rules.kept import keep_history
from properties.specs.test_the_history_is_linearizable import judge
from properties.tests.teeth import MUTANTS

LAW = "the_history_is_linearizable"
QUICK = dataclasses.replace(PROFILES["gate"], explored_count=800, step_count=8)


def _broken(name: str) -> Exploration:
    mutant = MUTANTS[name]
    with mutant.applied():
        return explore(mutant, {LAW: judge}, QUICK.explored)


@pytest.mark.parametrize(
    "name",
    [
        "who_comes_late_is_told_success",
        "the_version_is_counted_twice",
        "a_newer_row_than_expected_is_taken",
        "who_was_refused_has_moved_the_row",
    ],
)
def test_a_bug_is_told_by_its_operations(name: str) -> None:
    """The law fails with a contradiction, and a timeline that marks those that contradict."""
    found = _broken(name)
    assert None is found.harness_error, found.harness_error
    assert [LAW] == list(found.broken)
    assert " * " in found.broken[LAW]


def test_the_history_of_a_broken_law_is_kept(tmp_path: Path) -> None:
    """The file that is named is illegal for whoever reads it."""
    found = _broken("who_comes_late_is_told_success")
    line = keep_history(LAW, "broken", found.evidence[LAW], tmp_path / "a b'c")
    path = tmp_path / "a b'c" / f"{LAW}-broken.json"
    assert f"The history: nox -s history -- {path}" == line
    assert Finding.ILLEGAL is check(files.read(path)[1]).finding


def test_a_history_that_cannot_be_kept_says_why(tmp_path: Path) -> None:
    """The counterexample is told all the same."""
    found = _broken("who_comes_late_is_told_success")
    blocked = tmp_path / "file"
    blocked.touch()
    line = keep_history(LAW, "broken", found.evidence[LAW], blocked)
    assert line.startswith("The history is not kept: ")
