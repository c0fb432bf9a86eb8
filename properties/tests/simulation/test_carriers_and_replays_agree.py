"""Same choices, same transcript, same file: on every carrier and on every replay."""

from __future__ import annotations

import pytest

from properties.simulation.determinism import CARRIERS, again, digest_of, walk
from properties.simulation.scenarios import SCENARIOS, scenario
from properties.simulation.schedulers.replay import ReplayScheduler, ScheduleMismatchError
from properties.simulation.stage import Stage
from properties.simulation.transcript import Event, Kind, Transcript, first_difference

QUICK = ("lone-2", "cut-off-2", "in-time-2", "tickets-3", "occ-3", "store-2", "fair-2")


@pytest.mark.parametrize("name", QUICK)
def test_three_carriers_leave_one_transcript_and_one_file(name: str) -> None:
    """Inline, greenlet and thread differ in nothing that a transcript or the file shows."""
    found = set()
    for carrier_name in CARRIERS:
        with Stage(scenario(name), carrier_name=carrier_name, fresh=True) as stage:
            found.add(tuple(digest_of(walk(stage, seed)) for seed in range(4)))
    assert 1 == len(found)


@pytest.mark.parametrize("name", QUICK)
def test_a_walk_replayed_from_its_choices_is_the_same_run(name: str) -> None:
    """What a random walk chose is all that there was to choose."""
    with Stage(scenario(name), fresh=True) as stage:
        for seed in range(4):
            first = walk(stage, seed)
            second = again(stage, first)
            assert None is first_difference(first.run.transcript, second.run.transcript)
            assert digest_of(first) == digest_of(second)


def test_a_difference_is_shown_at_its_first_event() -> None:
    """The report names the event where two transcripts part, and the last one they share."""
    one, other = Transcript(), Transcript()
    for transcript in (one, other):
        transcript.events.append(Event(0.0, "a", Kind.NOTE, "same"))
    one.events.append(Event(0.0, "a", Kind.NOTE, "left"))
    other.events.append(Event(0.0, "a", Kind.NOTE, "right"))
    difference = first_difference(one, other) or ""
    assert "event 1" in difference
    assert "left" in difference and "right" in difference and "same" in difference


def test_a_schedule_of_other_code_is_refused() -> None:
    """A schedule that names another step than the one found there does not replay silently."""
    scheduler = ReplayScheduler({0: 1}, {0: "land z"})
    with Stage(scenario("lone-2")) as stage:
        stage.run(scheduler)
    with pytest.raises(ScheduleMismatchError, match="Search again"):
        scheduler.require_fit()


def test_the_shelf_names_each_scenario_once() -> None:
    """A schedule finds its scenario by name."""
    names = [each.name for each in SCENARIOS]
    assert sorted(set(names)) == sorted(names)
