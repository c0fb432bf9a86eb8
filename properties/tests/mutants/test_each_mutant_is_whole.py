"""Each mutant changes the core that there is today, says what must catch it, and comes back."""

import asyncio
import dataclasses
import os
from collections.abc import Awaitable, Iterator

import pytest

from properties.__main__ import law_names
from properties.mutants.patch import PatchError
from properties.mutants.registry import Family, Mutant, all_mutants
from properties.scratch import scratch_folder
from properties.subjects import CORE_SUBJECTS, Answer, Request, Subject
from properties.subjects.named import subject_named

GIVE_UP_S = 20.0
"""For a bug that waits for ever; nothing is timed."""
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


_OF_A_SLIP = (AttributeError, NameError, TypeError)
"""What a change says that names something which the core does not have any more."""


@pytest.mark.parametrize("mutant", MUTANTS.values(), ids=MUTANTS)
def test_it_is_no_slip_of_its_writer(mutant: Mutant) -> None:
    """One plain attempt, a read and the question after it: a law would break for such an error too.

    Whatever else it raises may be the bug. In a process that is not waited for to end by itself:
    some bugs leave a thread behind.
    """
    reading, writing = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            with scratch_folder() as folder, mutant.applied():
                found = asyncio.run(_slips(mutant(), f"{folder}/files.db"))
                os.write(writing, "\n".join(["asked", *found]).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as told:
        assert "asked" == told.read()
    os.waitpid(pid, 0)


async def _slips(subject: Subject, path: str) -> list[str]:
    found: list[BaseException] = []

    async def tried(work: Awaitable[object]) -> object:
        try:
            return await asyncio.wait_for(work, GIVE_UP_S)
        except Exception as error:  # noqa: BLE001 - told below, if it is one of those
            found.append(error)
        return None

    await tried(subject.make(path))
    await tried(subject.seed("f"))
    answer = await tried(
        subject.attempt(Request(attempt_id="a", file_path="f", event="start_upload"))
    )
    if isinstance(answer, Answer) and answer.error is not None:
        found.append(answer.error)
    await tried(subject.read("f"))
    await tried(subject.outcome_of("a"))
    await tried(subject.close())
    return [
        repr(each) for error in found for each in _causes(error) if isinstance(each, _OF_A_SLIP)
    ]


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
