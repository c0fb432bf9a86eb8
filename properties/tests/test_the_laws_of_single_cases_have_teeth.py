"""Laws that set up their own case, or walk schedules, catch the bug that each was made for.

The untouched core keeps them in `nox -s properties`; here each meets a core with one thing broken.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from fsmcore import (
    FileLockManager,
    StateMachineAdapter,
    TransitionNotAllowedError,
)
from properties.profiles import PROFILES
from properties.simulation.scenario import Scenario, Trial
from properties.simulation.scenarios import promises
from properties.simulation.walking import walks
from properties.specs import (
    test_a_caller_reads_its_own_write,
    test_a_clock_that_steps_changes_nothing,
    test_a_doubt_stays_until_a_later_commit,
    test_a_refused_attempt_begins_no_write,
    test_a_reopened_store_says_the_same,
    test_a_retry_reads_again,
    test_an_unknown_outcome_says_unknown,
    test_both_adapters_agree,
    test_cancellation_anywhere_leaves_nothing_behind,
    test_close_lets_attempts_end,
    test_nothing_is_applied_twice,
    test_one_winner_per_version,
    test_success_is_told_when_the_disk_has_it,
    test_what_has_ended_is_forgotten,
    test_whoever_waits_gets_its_turn,
)
from properties.subjects import SubjectFactory
from properties.tests.teeth import MUTANTS


def _walked(
    scenario: Scenario, *, times: int = 1, fault_count: int = 0, fewer: Scenario | None = None
) -> Iterator[Trial]:
    return walks(
        scenario, seed=0, count=4 * times, fault_count=fault_count, run_limit=20, fewer=fewer
    )


def _drawn(strategy: Any, holds: Callable[[Any], None]) -> None:
    for turns in range(0, 120, 3):
        holds(turns)


def _request() -> Any:
    return SimpleNamespace(node=SimpleNamespace(stash=_Stash()))


class _Stash(dict[Any, Any]):
    """Holds a tally for whoever asks."""

    def __missing__(self, key: Any) -> Any:
        self[key] = Counter()
        return self[key]


CASES: dict[str, Callable[[SubjectFactory], None]] = {
    "an_id_that_is_used_gets_a_new_one": (
        test_nothing_is_applied_twice.test_an_attempt_that_is_asked_for_again_is_refused
    ),
    "every_read_takes_the_write_lock": (
        test_a_refused_attempt_begins_no_write.test_while_the_write_lock_is_held
    ),
    "outcomes_are_kept_in_the_process": (
        test_a_reopened_store_says_the_same.test_beside_it_and_after_it
    ),
    "rows_are_read_from_a_cache": test_a_caller_reads_its_own_write.test_while_others_write,
    "a_failed_commit_is_told_as_a_failure": (
        test_an_unknown_outcome_says_unknown.test_a_commit_that_is_denied
    ),
    "who_comes_from_the_past_is_late": lambda made: (
        test_a_clock_that_steps_changes_nothing.test_the_same_script_has_the_same_end(
            made, "back a second"
        )
    ),
    "a_cancelled_commit_is_recorded_as_nothing_done": lambda made: (
        test_an_unknown_outcome_says_unknown.test_a_caller_who_is_cut_off_inside_its_commit(
            made, fails=True
        )
    ),
    "an_attempt_in_doubt_is_denied": test_a_doubt_stays_until_a_later_commit.test_asked_at_once,
    "whoever_ends_later_settles_every_doubt": (
        test_a_doubt_stays_until_a_later_commit.test_a_commit_that_came_before_settles_nothing
    ),
    "a_doubt_is_never_settled": (
        test_a_doubt_stays_until_a_later_commit.test_a_later_commit_settles_it
    ),
    **dict.fromkeys(
        ("normal_is_claimed_as_full", "syncs_are_off", "a_pragma_is_set_where_it_is_too_late"),
        test_success_is_told_when_the_disk_has_it.test_of_each_attempt_and_of_the_close,
    ),
    "a_close_refuses_who_is_under_way": test_close_lets_attempts_end.test_while_a_guard_thinks,
    "every_attempt_is_remembered": lambda made: (
        test_what_has_ended_is_forgotten.test_after_eighty_attempts(made, "succeed")
    ),
    "a_failed_callback_stays_registered": lambda made: (
        test_what_has_ended_is_forgotten.test_after_eighty_attempts(made, "fail after the commit")
    ),
}
"""By the name of the mutant."""


@pytest.mark.parametrize("bug", CASES)
def test_a_mutant_is_caught(bug: str) -> None:
    """By the law whose case it fails."""
    with MUTANTS[bug].applied(), pytest.raises(AssertionError):
        CASES[bug](MUTANTS[bug])


def test_a_write_that_does_not_compare_is_caught() -> None:
    """Ten on one file: state and version are left out of the WHERE clause."""
    with MUTANTS["the_update_compares_the_key_alone"].applied():
        with pytest.raises(AssertionError, match="attempts were told"):
            test_one_winner_per_version.test_ten_tasks_under_every_schedule_tried(
                "handrolled-unlocked", _walked
            )


def test_one_lock_for_all_files_is_caught() -> None:
    """The attempt that waits for another file's end holds what that one waits for."""

    class OneLock(FileLockManager):
        def holding(self, _key: str) -> Any:
            return super().holding("everything")

    scenario = promises.patient_neighbour("handrolled", OneLock)
    with pytest.raises(AssertionError, match="promise"):
        for _ in walks(scenario, seed=0, count=4, run_limit=20):
            pass


def test_a_lock_kept_by_the_cancelled_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """Released on the good path alone."""

    @contextlib.asynccontextmanager
    async def holding(self: Any, key: str) -> AsyncIterator[None]:
        lock = self._entries.setdefault(key, asyncio.Lock())
        await lock.acquire()
        yield
        lock.release()

    monkeypatch.setattr(FileLockManager, "holding", holding)
    with pytest.raises(AssertionError):
        test_cancellation_anywhere_leaves_nothing_behind.test_one_cancellation_of_two_attempts(
            "handrolled", _request()
        )
    with pytest.raises(AssertionError, match="waits for ever"):
        test_cancellation_anywhere_leaves_nothing_behind.test_two_cancellations_of_three_attempts(
            "handrolled", _walked
        )


@pytest.mark.parametrize(
    "bug",
    ["a_woken_waiter_that_is_cancelled_wakes_nobody", "a_cancelled_waiter_is_woken_instead"],
)
def test_a_turn_that_is_lost_is_caught(bug: str) -> None:
    """With whoever was cancelled when it had been woken, or while it waited."""
    with MUTANTS[bug].applied(), pytest.raises(AssertionError, match="waits for ever"):
        test_whoever_waits_gets_its_turn.test_one_cancellation_beside_two_who_wait(
            "handrolled", PROFILES["brief"], _request()
        )


@pytest.mark.parametrize("bug", ["a_retry_does_not_sleep", "a_retry_keeps_the_row_that_it_read"])
def test_a_retry_that_does_not_begin_anew_is_caught(bug: str) -> None:
    """One without a sleep, and one from the row that was read before."""
    with MUTANTS[bug].applied():
        with pytest.raises(AssertionError, match="without a sleep and a read"):
            test_a_retry_reads_again.test_after_a_sleep_from_a_fresh_read(
                "handrolled-unlocked", _walked, _request()
            )


def test_adapters_that_differ_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library's refuses an edge that the reference takes."""
    trigger = StateMachineAdapter.trigger

    async def refusing(self: StateMachineAdapter, event: str) -> None:
        if event == "complete_upload":
            raise TransitionNotAllowedError("a.txt", event, "uploading")
        await trigger(self, event)

    monkeypatch.setattr(StateMachineAdapter, "trigger", refusing)
    with pytest.raises(AssertionError):
        test_both_adapters_agree.test_the_same_schedule_gives_the_same_calls(
            "-unlocked", *test_both_adapters_agree.WORKLOADS[1], _walked
        )


def test_a_neighbour_that_is_disturbed_is_caught() -> None:
    """A shared lock that gives up at once makes one file busy because of another."""

    class Impatient(FileLockManager):
        def holding(self, key: str) -> Any:
            if len(self):
                raise TransitionNotAllowedError(key, "start_upload", "untracked")
            return super().holding(key)

    with pytest.raises(AssertionError, match=r"the only attempt on a\.txt"):
        for _ in walks(promises.neighbours("handrolled", Impatient), seed=0, count=8, run_limit=20):
            pass
