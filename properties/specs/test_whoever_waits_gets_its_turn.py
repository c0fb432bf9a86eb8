"""Whoever waits gets its turn: one who goes takes nobody's turn with it.

Three attempts on one file, and one of them is cancelled at some place: while it works, while it
waits, or when it has been woken and has not begun. As many schedules as the profile pays for, in
the order of the search. After each, nobody waits for ever, the write lock is free, no worker runs
on, and what the others were told is in the journal. A waiter that is woken and gone, a queue that
wakes who has left it, a lock released by the good path alone breaks it.
"""

from collections import Counter

import pytest

from properties.profiles import Profile
from properties.recording import RECORDER
from properties.simulation.explore import explore
from properties.simulation.judging import assert_holds
from properties.simulation.scenarios import drawn
from properties.simulation.schedulers.replay import ReplayScheduler
from properties.simulation.stage import Stage
from properties.subjects import Offer

NEEDS = frozenset({Offer.SCENARIOS})

SCHEDULES_A_WALK = 16
"""192 in dev; all of three attempts behind a lock are 1,778, which ci pays for."""


def test_one_cancellation_beside_two_who_wait(
    subject_name: str, profile: Profile, request: pytest.FixtureRequest
) -> None:
    """Three attempts on one file: with two in the queue, one who goes may take a turn with it."""
    workload = drawn.Workload(setup=subject_name, state="untracked", events=("start_upload",) * 3)
    limit = profile.walk_count * SCHEDULES_A_WALK
    found = explore(workload.scenario(), run_limit=limit, until_violation=True)
    request.node.stash[RECORDER.tally_key] = Counter(schedules=found.run_count)
    for outcome in found.violations:
        with Stage(workload.scenario()) as stage:
            assert_holds(stage, ReplayScheduler(found.schedules[outcome]))
