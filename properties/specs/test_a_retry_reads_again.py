"""A retry reads again: whoever met a lock or a moved row sleeps, reads the row, and decides anew.

Told from the database calls of each attempt, in simulated time: between a call that was busy or met
no row and the next BEGIN of the same attempt lie some time and a read of the row. A retry of the
same write with the old version is stale for ever; one that forces the write through loses an
update; one without a sleep is a busy loop. And nobody tries more often than allowed. A guard that
said yes to a row that may have moved since is asked again too, before anything is written.
"""

import asyncio
import functools
from collections import Counter

import pytest

from properties.reach import reached
from properties.recording import RECORDER
from properties.rules.outsider import Outsider
from properties.scratch import scratch_folder
from properties.simulation.scenario import Trial
from properties.simulation.scenarios import promises
from properties.simulation.transcript import CallText, Failure, Kind
from properties.specs.conftest import Walk
from properties.subjects import AnswerKind, Offer, Place, Request, SubjectFactory

NEEDS = frozenset({Offer.SCENARIOS, Offer.GUARDS, Offer.CALLBACKS, Offer.BACKOFF})

BEGIN = ("BEGIN", "SAVEPOINT")
ENOUGH = 5
"""Retries that are looked at, where there may be any."""


def _was_turned_away(sql: str, result: object) -> bool:
    """Say whether a call was busy or met no row, alone or within a whole transaction."""
    if isinstance(result, Failure):
        return "BUSY" in result.code or result.type_name == "RowCountError"
    return sql.startswith("UPDATE") and result == "0 rows"


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
        if _was_turned_away(sql, event.result):
            failed_at_s[actor] = event.at_s
    wrong += [f"{actor} tries {n} times" for actor, n in tries.items() if n > promises.MAX_TRIES]
    if not tries:
        wrong.append("the judge is blind: it saw no BEGIN")
    return wrong, retries


def test_after_a_sleep_from_a_fresh_read(
    subject_name: str, walked: Walk, request: pytest.FixtureRequest
) -> None:
    """Four attempts on two files: without locks they meet each other's write in full flight.

    Most schedules bring no such meeting, so without locks they are walked until some have.
    """
    may_meet = subject_name.endswith("-unlocked")
    seen = 0
    for trial in walked(
        promises.neighbours(subject_name), times=30 if may_meet else 2, fault_count=2
    ):
        wrong, retries = judge_calls(trial)
        assert [] == wrong, "; ".join(wrong)
        seen += retries
        if may_meet and seen >= ENOUGH:
            break
    request.node.stash[RECORDER.tally_key]["steps"] += seen
    assert seen or not may_meet, "nobody had to try again"


def test_the_guard_is_asked_anew(make_subject: SubjectFactory) -> None:
    """By each try that writes: here the second and the third, after a lock that was held twice."""
    came: list[Place] = []

    async def use(path: str) -> AnswerKind:
        subject = make_subject()
        await subject.make(path)
        outsider = Outsider(path, subject.layout)

        async def comes(place: Place) -> None:
            if place is Place.GUARD and Place.GUARD not in came:
                assert outsider.take_the_lock(2)
            came.append(place)
            if place is Place.BACKOFF:
                outsider.see_a_backoff()

        places = (Place.GUARD, Place.BEFORE_COMMIT, Place.BACKOFF)
        try:
            await subject.seed("f")
            asked = Request(
                attempt_id="a",
                file_path="f",
                event="start_upload",
                disturbances=tuple((place, functools.partial(comes, place)) for place in places),
            )
            return (await subject.attempt(asked)).kind
        finally:
            outsider.close()
            await subject.close()

    with scratch_folder() as folder:
        assert AnswerKind.SUCCESS is asyncio.run(use(f"{folder}/files.db"))
    assert 2 == came.count(Place.BACKOFF), came
    last_try = came[len(came) - came[::-1].index(Place.BACKOFF) :]
    assert (Place.GUARD, Place.BEFORE_COMMIT) == (last_try[0], last_try[-1]), f"came to {came}"


@pytest.mark.needs(Offer.EXPECTED_VERSION)
def test_who_comes_back_to_a_moved_row_is_told_so(make_subject: SubjectFactory) -> None:
    """It met a lock, and while it slept the row left the version that it was to have."""

    async def use(path: str) -> AnswerKind:
        subject = make_subject()
        await subject.make(path)
        outsider = Outsider(path, subject.layout)

        async def locks() -> None:
            # A guard is a question, and may be asked twice.
            assert outsider.holds_the_lock or outsider.take_the_lock(1)

        async def moves() -> None:
            outsider.see_a_backoff()
            assert outsider.move("outsider", "f") is not None

        try:
            await subject.seed("f")
            asked = Request(
                attempt_id="a",
                file_path="f",
                event="start_upload",
                expected_version=0,
                disturbances=((Place.GUARD, locks), (Place.BACKOFF, moves)),
            )
            return (await subject.attempt(asked)).kind
        finally:
            outsider.close()
            await subject.close()

    with scratch_folder() as folder:
        assert AnswerKind.STALE is asyncio.run(use(f"{folder}/files.db"))
    reached("by hand: stale after a backoff")
