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
    RetryPolicy,
    StateMachineAdapter,
    StoreUnavailableError,
    TransitionNotAllowedError,
    attempt,
    connections,
    schema,
)
from properties.simulation.scenario import Scenario, Trial
from properties.simulation.scenarios import promises
from properties.simulation.walking import walks
from properties.specs import (
    test_a_caller_reads_its_own_write,
    test_a_clock_that_steps_changes_nothing,
    test_a_refused_attempt_begins_no_write,
    test_a_reopened_store_says_the_same,
    test_a_retry_reads_again,
    test_an_unknown_outcome_says_unknown,
    test_both_adapters_agree,
    test_cancellation_anywhere_leaves_nothing_behind,
    test_close_lets_attempts_end,
    test_nothing_is_applied_twice,
    test_one_winner_per_version,
)
from properties.subjects import CORE_SUBJECTS
from properties.tests.broken import (
    LocksBeforeItLooks,
    ReadsWhatItReadFirst,
    RefusesThePast,
    RemembersOutcomes,
    TakesAnIdTwice,
    TellsFailureOnceClosed,
)


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


CASES: dict[str, Callable[[], None]] = {
    "an attempt runs twice": lambda: (
        test_nothing_is_applied_twice.test_an_attempt_that_is_asked_for_again_is_refused(
            TakesAnIdTwice
        )
    ),
    "a lock before a look": lambda: (
        test_a_refused_attempt_begins_no_write.test_while_the_write_lock_is_held(LocksBeforeItLooks)
    ),
    "outcomes in memory": lambda: test_a_reopened_store_says_the_same.test_beside_it_and_after_it(
        RemembersOutcomes
    ),
    "reads from a cache": lambda: test_a_caller_reads_its_own_write.test_while_others_write(
        ReadsWhatItReadFirst
    ),
    "failure once closed": lambda: test_close_lets_attempts_end.test_at_any_moment(
        TellsFailureOnceClosed,
        _drawn,
    ),
    "no attempt from the past": lambda: (
        test_a_clock_that_steps_changes_nothing.test_the_same_script_has_the_same_end(
            RefusesThePast, "back a second"
        )
    ),
}


@pytest.mark.parametrize("bug", CASES)
def test_a_broken_subject_is_caught(bug: str) -> None:
    """By the law whose case it fails."""
    with pytest.raises(AssertionError):
        CASES[bug]()


def test_a_write_that_does_not_compare_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten on one file: state and version are left out of the WHERE clause."""
    monkeypatch.setattr(schema, "COMPARE_AND_SET", _without_the_version())
    with pytest.raises(AssertionError, match="attempts were told"):
        test_one_winner_per_version.test_ten_tasks_under_every_schedule_tried(
            "handrolled-unlocked", _walked
        )


def _without_the_version() -> str:
    whole = schema.COMPARE_AND_SET
    return f"{whole[: whole.index('AND')]}AND ? IS NOT NULL AND ? IS NOT NULL"


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


def test_a_retry_without_a_sleep_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """And one that keeps the row that it has read before."""

    async def wait(_self: object, _error: object, _tries: int) -> None:
        await asyncio.sleep(0)

    monkeypatch.setattr(RetryPolicy, "wait", wait)
    with pytest.raises(AssertionError, match="without a sleep and a read"):
        test_a_retry_reads_again.test_after_a_sleep_from_a_fresh_read(
            "handrolled-unlocked", _walked, _request()
        )


def test_a_retry_from_the_old_row_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read once an attempt, whatever came of the first try."""
    read = attempt.Attempt.read
    rows: dict[tuple[attempt.Attempt, str], Any] = {}

    async def once(self: attempt.Attempt, file_path: str) -> Any:
        if (self, file_path) not in rows:
            rows[self, file_path] = await read(self, file_path)
        return rows[self, file_path]

    monkeypatch.setattr(attempt.Attempt, "read", once)
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


def test_an_unknown_outcome_told_as_a_failure_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error at COMMIT is translated like any other."""
    monkeypatch.setattr(
        connections,
        "CommitFailedError",
        lambda name, cause: StoreUnavailableError(f"{name}: {cause}. Nothing was written."),
    )
    with pytest.raises(AssertionError):
        test_an_unknown_outcome_says_unknown.test_a_commit_that_is_denied(
            CORE_SUBJECTS["handrolled"]
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
