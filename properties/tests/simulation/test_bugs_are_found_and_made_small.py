"""Bugs that people really write are found in a few schedules, and shown by the smallest one."""

from __future__ import annotations

import statistics
from pathlib import Path

import pytest

from properties.simulation import corpus
from properties.simulation.minimiser import smallest
from properties.simulation.replay import complaint, replayed
from properties.simulation.scenario import Scenario
from properties.simulation.scenarios import SCENARIOS, scenario
from properties.simulation.scheduler import HarnessError
from properties.simulation.schedulers.random import RandomScheduler
from properties.simulation.stage import Stage
from properties.simulation.timeline import MOST_LINES, timeline
from properties.tests.simulation.broken import BROKEN

ALL_BROKEN = [*BROKEN, *(each for each in SCENARIOS if each.is_broken)]


def runs_until_failure(stage: Stage, scheduler: RandomScheduler) -> int:
    """Return how many schedules it took, or 400."""
    for count in range(1, 400):
        if stage.run(scheduler).violation is not None:
            return count
    return 400


@pytest.mark.parametrize("subject", ALL_BROKEN, ids=lambda each: each.name)
def test_a_random_walk_meets_the_bug_soon(subject: Scenario) -> None:
    """The median of 20 seeds needs at most 23 schedules."""
    needed = []
    with Stage(subject) as stage:
        for seed in range(20):
            scheduler = RandomScheduler(seed, fault_count=subject.budget.cancellations)
            needed.append(runs_until_failure(stage, scheduler))
    assert statistics.median(needed) <= 23


@pytest.mark.parametrize("subject", ALL_BROKEN, ids=lambda each: each.name)
def test_its_smallest_schedule_is_proven_and_fits_a_screen(subject: Scenario) -> None:
    """At most three deviations, none fewer, in at most 25 lines that end in what broke."""
    with Stage(subject) as stage:
        found = smallest(stage)
        assert found is not None
        assert found.is_minimal
        assert len(found.deviations) <= 3
        lines = timeline(found.trial)
    assert len(lines) <= MOST_LINES
    assert any(line.startswith("broken: ") for line in lines)


def test_a_known_schedule_is_made_smaller() -> None:
    """From a long failing walk to the same smallest schedule."""
    subject = scenario("lost-update-2")
    with Stage(subject) as stage:
        scheduler = RandomScheduler(5)
        while (trial := stage.run(scheduler)).violation is None:
            pass
        found = smallest(stage, known=trial.run.deviations)
    assert found is not None
    assert found.is_minimal
    assert 1 == len(found.deviations)


def test_every_schedule_of_the_corpus_still_tells_the_same() -> None:
    """Where a bug was found the law holds now; where it is on purpose it still breaks."""
    kept = corpus.entries()
    assert kept
    for path, entry in kept:
        trial = replayed(entry, carrier_name="thread")
        assert None is complaint(entry, trial), path.name
        assert entry.outcome == str(trial.outcome)


def test_a_schedule_survives_its_file_and_its_token(tmp_path: Path) -> None:
    """Both forms read back as what was written."""
    _, entry = corpus.entries()[0]
    assert entry == corpus.read(corpus.write(entry, tmp_path))
    again = corpus.from_token(entry.token)
    assert (entry.scenario, entry.deviations, entry.budget) == (
        again.scenario,
        again.deviations,
        again.budget,
    )


@pytest.mark.parametrize("token", ["no-such@1:1", "lone-2@x", "lone-2/oops@1:1"])
def test_a_bad_token_is_refused_with_a_sentence(token: str) -> None:
    """Nothing is replayed that was not meant."""
    with pytest.raises(HarnessError):
        replayed(corpus.from_token(token))
