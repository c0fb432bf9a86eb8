"""Cancellation anywhere leaves nothing behind: no dirty connection, held lock, or lost waiter.

Every place is tried for one cancellation of two attempts, each inequivalent schedule of them; of
three attempts as many as the profile pays for, in the order of the search. Two cancellations, of
one task or of two, are tried beside three attempts under schedules that chance chooses. After each,
nobody waits for ever, the write lock is free, no worker runs on, and what the others were told is
in the journal. A rollback that is not awaited, a lock released by the good path alone, a waiter
that is woken and gone breaks it.
"""

from collections import Counter

import pytest

from properties.profiles import Profile
from properties.recording import RECORDER
from properties.simulation.explore import explore
from properties.simulation.judging import assert_holds
from properties.simulation.scenarios import drawn, promises
from properties.simulation.schedulers.replay import ReplayScheduler
from properties.simulation.stage import Stage
from properties.specs.conftest import Walk
from properties.subjects import Offer

NEEDS = frozenset({Offer.SCENARIOS})

LIMIT = 20_000
SCHEDULES_A_WALK = 12
"""144 in dev; all of three attempts behind a lock are 1,778, which ci pays for."""


def test_one_cancellation_of_two_attempts(
    subject_name: str, request: pytest.FixtureRequest
) -> None:
    """Every schedule, until none is left."""
    workload = drawn.Workload(
        setup=subject_name, state="untracked", events=("start_upload", "start_upload")
    )
    found = explore(workload.scenario(), run_limit=LIMIT, until_violation=True)
    request.node.stash[RECORDER.tally_key] = Counter(schedules=found.run_count)
    for outcome in found.violations:
        with Stage(workload.scenario()) as stage:
            assert_holds(stage, ReplayScheduler(found.schedules[outcome]))
    if not found.is_complete:
        raise RECORDER.harness_error(f"{found.run_count} schedules, and some are left")


def test_one_cancellation_beside_two_who_wait(
    subject_name: str, profile: Profile, request: pytest.FixtureRequest
) -> None:
    """Three attempts on one file: with two in the queue, one who goes may take a turn with it."""
    workload = drawn.Workload(setup=subject_name, state="untracked", events=("start_upload",) * 3)
    limit = profile.walk_count * SCHEDULES_A_WALK
    found = explore(workload.scenario(), run_limit=limit, until_violation=True)
    request.node.stash[RECORDER.tally_key] = Counter(schedules=found.run_count)
    broken = [f"{violation}: {outcome}" for outcome, violation in found.violations.items()]
    assert not broken, broken[0]


def test_two_cancellations_of_three_attempts(subject_name: str, walked: Walk) -> None:
    """Of one task twice, or of two."""
    struck = 0
    scenario = promises.cut_off(subject_name)
    for trial in walked(scenario, times=4, fault_count=2):
        struck += sum("cancel" in what for what in trial.run.descriptions.values())
    assert struck, "no cancellation struck anybody"
