"""Each mutant changes the core that there is today, says what must catch it, and comes back."""

import dataclasses

import pytest

from properties.__main__ import law_names
from properties.mutants.patch import PatchError
from properties.mutants.registry import Family, Mutant, all_mutants
from properties.subjects import CORE_SUBJECTS
from properties.subjects.named import subject_named

MUTANTS = all_mutants()
BUGS = [each for each in MUTANTS.values() if not each.is_correct]


@pytest.mark.parametrize("mutant", MUTANTS.values(), ids=MUTANTS)
def test_it_changes_the_core_and_comes_back(mutant: Mutant) -> None:
    """So that a core that is rewritten cannot quietly make it harmless."""
    with mutant.applied():
        assert mutant.name == mutant().name
    with mutant.applied():
        pass


@pytest.mark.parametrize("mutant", MUTANTS.values(), ids=MUTANTS)
def test_it_says_what_it_is(mutant: Mutant) -> None:
    """One true sentence, laws that exist, a subject that exists, and how it comes about."""
    assert mutant.sentence.endswith(".")
    assert set() == set(mutant.laws) - set(law_names())
    assert mutant.subject in CORE_SUBJECTS
    assert mutant.realistic and mutant.shows


def test_two_mutants_do_not_share_a_process() -> None:
    """What the second one's laws said would be about both."""
    first, second = list(MUTANTS.values())[:2]
    with first.applied(), pytest.raises(PatchError, match="one a process"):
        second.apply()


def test_a_mutant_that_changes_nothing_is_an_error() -> None:
    """It would be counted as a survivor, or as killed by chance."""
    idle = dataclasses.replace(BUGS[0], change=lambda patch: None)
    with pytest.raises(PatchError, match="changes nothing"), idle.applied():
        pass


def test_a_mutant_is_found_by_its_name() -> None:
    """As ``nox -s properties -- --subject`` looks for it; a name that says nobody is none."""
    name = BUGS[0].subject_name
    try:
        with BUGS[0].applied():
            assert BUGS[0].name == subject_named(name)().name
    finally:
        del CORE_SUBJECTS[name]
    for nobody in ("properties.mutants.bugs.nowhere:x", "nobody", ":x"):
        with pytest.raises(KeyError):
            subject_named(nobody)


def test_families_are_not_made_up() -> None:
    """Every family has mutants."""
    assert {each.family for each in BUGS} <= set(Family)
