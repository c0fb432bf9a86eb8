"""Who was cut off can know: what became of its attempt is told at once, for good, and recorded.

A caller that is cancelled while its transaction is on the way gets its CancelledError when nobody
works for it any more. What ``outcome_of`` then says stays true, and the record of the attempt does
not contradict it. Every place of one cancellation of one attempt is tried. A cleanup that is only
shielded, so that it runs on alone and commits what was just told as not committed, breaks it.
"""

from collections import Counter

import pytest

from properties.recording import RECORDER
from properties.simulation.explore import explore
from properties.simulation.judging import assert_holds
from properties.simulation.scenarios import promises
from properties.simulation.schedulers.replay import ReplayScheduler
from properties.simulation.stage import Stage
from properties.subjects import Offer

NEEDS = frozenset({Offer.SCENARIOS, Offer.JOURNAL, Offer.OUTCOMES})

LIMIT = 5_000


def test_wherever_it_was_cut_off(subject_name: str, request: pytest.FixtureRequest) -> None:
    """Every schedule, until none is left."""
    scenario = promises.asked_at_once(subject_name)
    found = explore(scenario, run_limit=LIMIT, until_violation=True)
    request.node.stash[RECORDER.tally_key] = Counter(schedules=found.run_count)
    for outcome in found.violations:
        with Stage(scenario) as stage:
            assert_holds(stage, ReplayScheduler(found.schedules[outcome]))
    if not found.is_complete:
        raise RECORDER.harness_error(f"{found.run_count} schedules, and some are left")
