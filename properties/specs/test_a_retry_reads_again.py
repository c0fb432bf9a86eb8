"""A retry reads again: whoever met a lock or a moved row sleeps, reads the row, and decides anew.

Told from the database calls of each attempt, in simulated time: between a call that was busy or met
no row and the next BEGIN of the same attempt lie some time and a read of the row. A retry of the
same write with the old version is stale for ever; one that forces the write through loses an
update; one without a sleep is a busy loop. And nobody tries more often than allowed.
"""

from collections import Counter

import pytest

from properties.recording import RECORDER
from properties.simulation.scenario import Trial
from properties.simulation.scenarios import promises
from properties.simulation.transcript import CallText, Failure, Kind
from properties.specs.conftest import Walk
from properties.subjects import Offer

NEEDS = frozenset({Offer.SCENARIOS})

BEGIN = "BEGIN IMMEDIATE"


def judge_calls(trial: Trial) -> tuple[list[str], int]:
    """Return what each attempt did wrong, and how many retries were looked at."""
    failed_at_s: dict[str, float] = {}
    read_at_s: dict[str, float] = {}
    tries: Counter[str] = Counter()
    wrong: list[str] = []
    retries = 0
    for event in trial.run.transcript.events:
        if event.kind is not Kind.CALL or not isinstance(event.what, CallText):
            continue
        actor, sql = event.actor, " ".join((event.what.sql or "").split())
        if sql.startswith("SELECT") and "gemini_state" in sql:
            read_at_s[actor] = event.at_s
        elif sql.startswith(BEGIN):
            tries[actor] += 1
            failed = failed_at_s.get(actor)
            if failed is not None:
                retries += 1
                if read_at_s.get(actor, -1.0) <= failed:
                    wrong.append(f"{actor} tries again without a sleep and a read of the row")
        is_busy = isinstance(event.result, Failure) and "BUSY" in event.result.code
        if is_busy or (sql.startswith("UPDATE") and event.result == "0 rows"):
            failed_at_s[actor] = event.at_s
    wrong += [f"{actor} tries {n} times" for actor, n in tries.items() if n > promises.MAX_TRIES]
    if not tries:
        wrong.append("the judge is blind: it saw no BEGIN")
    return wrong, retries


def test_after_a_sleep_from_a_fresh_read(
    subject_name: str, walked: Walk, request: pytest.FixtureRequest
) -> None:
    """Four attempts on two files: without locks they meet each other's write lock."""
    seen = 0
    for trial in walked(promises.neighbours(subject_name), times=2):
        wrong, retries = judge_calls(trial)
        assert [] == wrong, "; ".join(wrong)
        seen += retries
    request.node.stash[RECORDER.tally_key]["steps"] += seen
    assert seen or not subject_name.endswith("-unlocked"), "nobody had to try again"
