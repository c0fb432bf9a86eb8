"""Cancellation anywhere leaves nothing behind: no dirty connection, held lock, or lost waiter.

Every place is tried for one cancellation of two attempts, each inequivalent schedule of them. Two
cancellations, of one task or of two, are tried beside three attempts under schedules that chance
chooses. After each, nobody waits for ever, the write lock is free, no worker runs on, and what the
others were told is in the journal. A rollback that is not awaited, a lock released by the good path
alone breaks it. One cancellation of three attempts is `whoever_waits_gets_its_turn`.
"""

from collections import Counter

import pytest

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


def test_two_cancellations_of_three_attempts(subject_name: str, walked: Walk) -> None:
    """Of one task twice, or of two."""
    struck = 0
    scenario = promises.cut_off(subject_name)
    for trial in walked(scenario, times=4, fault_count=2):
        struck += sum("cancel" in what for what in trial.run.descriptions.values())
    assert struck, "no cancellation struck anybody"


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
