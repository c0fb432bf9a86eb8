"""Hypothesis draws schedules that shrink to few deviations; PCT finds what needs few changes."""

from __future__ import annotations

import statistics

import pytest
from hypothesis import HealthCheck, find, given, settings
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample

from properties.simulation.judging import LawBrokenError, assert_holds
from properties.simulation.minimiser import smallest
from properties.simulation.scenario import Scenario
from properties.simulation.scenarios import scenario
from properties.simulation.schedulers.hypothesis import DrawnScheduler, schedules
from properties.simulation.schedulers.pct import PctScheduler
from properties.simulation.schedulers.polite import PoliteScheduler
from properties.simulation.stage import Stage
from properties.tests.simulation.broken import BROKEN

QUIET = settings(
    settings.get_profile("default"),
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.parametrize("subject", BROKEN, ids=lambda each: each.name)
def test_pct_meets_the_bug_soon(subject: Scenario) -> None:
    """The median of 20 seeds needs at most 23 schedules."""
    needed = []
    with Stage(subject) as stage:
        for seed in range(20):
            scheduler = PctScheduler(seed, fault_count=subject.budget.cancellations)
            runs = (n for n in range(1, 300) if stage.run(scheduler).violation is not None)
            needed.append(next(runs, 300))
    assert statistics.median(needed) <= 23


def test_a_drawn_schedule_shrinks_to_few_deviations() -> None:
    """Shrinking a lost update leaves at most two draws; the minimiser knows that one will do."""
    with Stage(scenario("lost-update-2")) as stage:
        found = find(
            schedules(),
            lambda drawn: stage.run(drawn).violation is not None,
            settings=QUIET,
        )
    assert len(found.drawn) <= 2


def test_no_draws_are_the_polite_schedule() -> None:
    """The simplest example is what plain asyncio would have done."""
    with Stage(scenario("occ-3"), fresh=True) as stage:
        drawn = stage.run(DrawnScheduler(()))
        polite = stage.run(PoliteScheduler())
    assert polite.run.transcript.digest() == drawn.run.transcript.digest()


def test_a_broken_law_fails_with_its_smallest_timeline() -> None:
    """The message has the law's words, lanes, proof of size, and the command that replays it."""
    with Stage(scenario("lost-update-2")) as stage:
        with pytest.raises(LawBrokenError) as caught:
            assert_holds(stage, DrawnScheduler(((0, 0), (3, 0))))
    message = str(caught.value)
    assert "told ok, and the value is" in message
    assert "minimal: 1 deviation" in message
    assert message.splitlines()[-1].startswith("nox -s replay -- lost-update-2@")
    assert len(message.splitlines()) <= 27


@settings(QUIET, max_examples=40)
@given(drawn=schedules(), name=st.sampled_from(["occ-2", "give-up-2", "chain-2"]))
def test_the_core_and_bare_compare_and_set_hold(drawn: DrawnScheduler, name: str) -> None:
    """No drawn schedule loses an update."""
    with Stage(scenario(name)) as stage:
        assert_holds(stage, drawn)


def test_find_has_nothing_to_find_in_a_correct_subject() -> None:
    """Negative control: a search for a failure comes back empty."""
    with Stage(scenario("kept-occ-2")) as stage:
        with pytest.raises(NoSuchExample):
            find(
                schedules(),
                lambda drawn: stage.run(drawn).violation is not None,
                settings=settings(QUIET, max_examples=60),
            )
        assert None is smallest(stage, most=1)
