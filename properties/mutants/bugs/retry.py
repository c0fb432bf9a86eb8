"""Retries: of what, how often, after how long, and from which row."""

from __future__ import annotations

from typing import Any

from fsmcore import errors, retry, sqlite, transitions
from fsmcore.connections import work
from properties.mutants.patch import Patch
from properties.mutants.registry import Family, mutant


@mutant(
    family=Family.RETRY,
    laws=("a_retry_reads_again",),
    realistic="the read is outside the loop, where it was before there was a loop",
    shows="one attempt, overtaken before its write",
)
def a_retry_keeps_the_row_that_it_read(patch: Patch) -> None:
    """Whoever was stale tries again with the same version, and is stale again."""

    @patch.around(transitions.FileTransitionManager, "_read")
    async def read(
        original: Any, self: Any, attempt: Any, trace: Any, expected_version: int | None
    ) -> Any:
        known = vars(self).setdefault("_rows", {})
        if attempt.attempt_id not in known:
            known[attempt.attempt_id] = await original(self, attempt, trace, expected_version)
        row = known[attempt.attempt_id]
        trace.from_state = row.state
        attempt.file_path = trace.file_path
        return row


@mutant(
    family=Family.RETRY,
    laws=("retries_are_bounded",),
    realistic="tries are counted from 0 in one place and from 1 in the other",
    shows="one attempt, and a lock that is never given back",
)
def one_try_too_many(patch: Patch) -> None:
    """The last try is followed by one more."""
    patch.source(
        retry.RetryPolicy,
        "run",
        ("if tries >= self.max_tries:", "if tries > self.max_tries:"),
    )


@mutant(
    family=Family.RETRY,
    laws=("retries_are_bounded",),
    realistic="`for tries in range(1, max_tries)`",
    shows="one attempt, and a lock that is never given back",
)
def one_try_too_few(patch: Patch) -> None:
    """The last try is not made."""
    patch.source(
        retry.RetryPolicy,
        "run",
        ("if tries >= self.max_tries:", "if tries >= max(1, self.max_tries - 1):"),
    )


@mutant(
    family=Family.RETRY,
    laws=("retries_are_bounded",),
    realistic="'a busy database is busy for a moment only'",
    shows="one attempt, and a lock that outlives the allowed tries",
)
def busy_is_tried_ten_times_more(patch: Patch) -> None:
    """The bound holds for stale rows alone."""
    patch.source(
        retry.RetryPolicy,
        "run",
        (
            "if tries >= self.max_tries:",
            """bound = self.max_tries * (10 if type(error).__name__ == "StoreBusyError" else 1)
            if tries >= bound:""",
        ),
    )


@mutant(
    family=Family.RETRY,
    laws=("a_lock_of_any_code_is_sat_out", "retries_are_bounded"),
    realistic="a locked database was left to SQLite's busy timeout, which was then set to 0",
    shows="two attempts that meet each other's write lock",
)
def busy_is_not_tried_again(patch: Patch) -> None:
    """Whoever meets a lock gives up at once."""
    patch.value(errors.StoreBusyError, "retryable", True, False)


@mutant(
    family=Family.RETRY,
    laws=("one_winner_per_version",),
    realistic="retrying is for locks; that being overtaken deserves another try is forgotten",
    shows="two attempts on one file, one switch between read and BEGIN",
)
def a_stale_row_is_not_tried_again(patch: Patch) -> None:
    """Whoever was overtaken is told stale at the first time."""
    patch.value(errors.StaleTransitionError, "retryable", True, False)


@mutant(
    family=Family.RETRY,
    laws=("a_lock_of_any_code_is_sat_out",),
    realistic="`error.sqlite_errorcode == sqlite3.SQLITE_BUSY`: the code is the extended one",
    shows="BUSY_RECOVERY or BUSY_SNAPSHOT from any statement",
)
def only_the_plain_busy_code_is_known(patch: Patch) -> None:
    """Extended codes of BUSY are taken for failures."""
    patch.source(sqlite, "primary_code", ("code & 0xFF", "code"))


@mutant(
    family=Family.RETRY,
    laws=("a_refused_attempt_begins_no_write", "retries_are_bounded"),
    realistic="`except FsmCoreError: continue`",
    shows="one attempt that has no edge, or whose guard says no",
)
def everything_is_tried_again(patch: Patch) -> None:
    """Refusals and failures are repeated until the tries are used up."""
    patch.source(
        retry.RetryPolicy,
        "run",
        (
            "if not error.retryable or is_final(error):",
            "if error.outcome_unknown or is_final(error):",
        ),
    )


@mutant(
    family=Family.RETRY,
    laws=("a_refused_attempt_begins_no_write", "retries_are_bounded"),
    realistic="an expected version is compared in each try, like everything else",
    shows="one attempt that expects an old version",
)
def who_expects_an_old_version_tries_again(patch: Patch) -> None:
    """A row at another version than expected is stale for good, and tried again all the same."""
    patch.source(
        transitions.FileTransitionManager,
        "_settled",
        ("return missed or trace.moved", "return trace.moved"),
    )


@mutant(
    family=Family.RETRY,
    laws=("an_unknown_outcome_says_unknown",),
    realistic="COMMIT failed, so nothing was written, so try again",
    shows="a COMMIT that is interrupted at its last step: it is committed and raises",
)
def an_unknown_commit_is_tried_again(patch: Patch) -> None:
    """An error at COMMIT is taken for busy."""
    patch.source(
        work,
        "commit",
        (
            "if primary_code(error) == sqlite3.SQLITE_BUSY:",
            "if isinstance(error, sqlite3.OperationalError):",
        ),
        (
            "raise translate(error, name) from error",
            """from fsmcore.errors import StoreBusyError
            raise StoreBusyError(f"{name}: {error}") from error""",
        ),
    )


@mutant(
    family=Family.RETRY,
    laws=("the_event_loop_is_never_blocked",),
    realistic="the retry loop was written for threads",
    shows="one attempt that meets a lock",
)
def the_sleep_blocks_the_loop(patch: Patch) -> None:
    """The wait between two tries stops every other task."""
    patch.source(
        retry.RetryPolicy,
        "wait",
        (
            "await self.sleep(wait_ms / 1000)",
            "import time\n    time.sleep(wait_ms / 1000)\n    await self.sleep(0)",
        ),
    )


@mutant(
    family=Family.RETRY,
    laws=("a_retry_reads_again", "waits_are_drawn_and_grow"),
    realistic="'it is only a moment': a retry loop with a yield in it",
    shows="two attempts that meet each other's write lock",
)
def a_retry_does_not_sleep(patch: Patch) -> None:
    """The next try follows at once."""
    patch.source(
        retry.RetryPolicy,
        "wait",
        ("await self.sleep(wait_ms / 1000)", "await self.sleep(0)"),
    )


@mutant(
    family=Family.RETRY,
    laws=("waits_are_drawn_and_grow",),
    realistic="exponential backoff from memory, which leaves the jitter out",
    shows="two attempts turned away at the same moment: they come back at the same moment",
)
def waits_have_no_jitter(patch: Patch) -> None:
    """Everybody waits the whole time, so everybody comes back together."""
    patch.source(
        retry.RetryPolicy,
        "wait",
        ("self.jitter(0.0, self.longest_wait_ms(tries))", "self.longest_wait_ms(tries)"),
    )


@mutant(
    family=Family.RETRY,
    laws=("waits_are_drawn_and_grow",),
    realistic="`2 ** (max_tries - tries)`: the exponent counts down",
    shows="one attempt, and a lock that is never given back",
)
def waits_shrink(patch: Patch) -> None:
    """The longer a lock is held, the more often it is asked for."""
    patch.source(
        retry.RetryPolicy,
        "longest_wait_ms",
        (
            "self.base_ms * 2.0 ** min(tries - 1, 64)",
            "self.base_ms * 2.0 ** max(0, min(self.max_tries - tries - 1, 64))",
        ),
    )


@mutant(
    family=Family.RETRY,
    laws=("retries_are_bounded",),
    realistic="the counter lives in the manager, which lives as long as the program",
    shows="two attempts, one after the other, that meet a lock",
)
def all_attempts_share_their_tries(patch: Patch) -> None:
    """What one attempt has used up is missing to the next."""
    patch.source(
        transitions.FileTransitionManager,
        "_settled",
        (
            "missed = expected_version is not None and isinstance(error, StaleTransitionError)",
            """used = vars(self)["_used"] = vars(self).get("_used", 0) + 1
        missed = expected_version is not None and isinstance(error, StaleTransitionError)
        missed = missed or used >= self._retry.max_tries""",
        ),
    )
