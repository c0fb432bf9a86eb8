"""Unknown outcomes: what a caller is told when a COMMIT fails, and what it finds out later."""

from __future__ import annotations

from fsmcore import attempt, store, transitions
from fsmcore.connections import work
from properties.mutants.patch import Patch
from properties.mutants.registry import Family, mutant


@mutant(
    family=Family.OUTCOMES,
    laws=("an_unknown_outcome_says_unknown",),
    realistic="one try block around the whole transaction, COMMIT included",
    shows="a COMMIT that is interrupted at its last step: it is committed and raises",
)
def a_failed_commit_is_told_as_a_failure(patch: Patch) -> None:
    """COMMIT raised, so nothing was written, it says."""
    patch.source(
        work,
        "commit",
        (
            "raise CommitFailedError(name, describe(error)) from error",
            """for receipt in receipts:
            receipt.fate = CommitFate.NOT_SENT
        raise translate(error, name) from error""",
        ),
    )


@mutant(
    family=Family.OUTCOMES,
    laws=("no_single_fault_breaks_a_promise", "the_event_log_tells_the_truth"),
    realistic="the mark is set where the call is written, which is before it has run",
    shows="a COMMIT that fails",
)
def a_commit_that_was_sent_counts_as_done(patch: Patch) -> None:
    """From the moment that COMMIT is sent the attempt is taken for committed."""
    patch.source(
        work, "commit", ("receipt.fate = CommitFate.SENT", "receipt.fate = CommitFate.COMMITTED")
    )


@mutant(
    family=Family.OUTCOMES,
    laws=("the_event_log_tells_the_truth",),
    realistic="the mark is set after the call, which one that raises does not come to",
    shows="a COMMIT that fails",
)
def a_commit_counts_as_sent_when_it_is_back(patch: Patch) -> None:
    """A COMMIT that raised is recorded as one that was never sent."""
    patch.source(work, "commit", ("receipt.fate = CommitFate.SENT\n", "pass\n"))


@mutant(
    family=Family.OUTCOMES,
    laws=(
        "a_doubt_stays_until_a_later_commit",
        "an_acknowledged_transition_survives_a_power_loss",
    ),
    realistic="'the journal is the truth' - of a disk that has not failed a sync",
    shows="a sync that fails at COMMIT, the question, and a power loss",
)
def an_attempt_in_doubt_is_denied(patch: Patch) -> None:
    """No entry, so not committed; the entry may be in the WAL, and come back."""
    patch.source(
        store.Store,
        "outcome_of",
        (
            "fate=Fate.UNKNOWN if in_doubt else Fate.NOT_COMMITTED",
            "fate=Fate.NOT_COMMITTED",
        ),
    )


@mutant(
    family=Family.OUTCOMES,
    laws=("an_unknown_outcome_resolves_in_one_read",),
    realistic="doubts are noted, and nobody thought of when they end",
    shows="a COMMIT that fails, another one that succeeds, and the question",
)
def a_doubt_is_never_settled(patch: Patch) -> None:
    """An attempt without an entry stays unknown for ever."""
    patch.source(
        store.Store,
        "_note_fate",
        ("self._in_doubt -= earlier_doubts", "pass"),
    )


@mutant(
    family=Family.OUTCOMES,
    laws=("no_single_fault_breaks_a_promise",),
    realistic="the caller wants its own exception, unwrapped",
    shows="one attempt whose callback raises after its commit",
)
def an_error_after_the_commit_is_told_unchanged(patch: Patch) -> None:
    """Nothing says that the row has moved."""
    patch.source(
        transitions.FileTransitionManager,
        "_settled",
        ("if trace.moved is None:", "if trace.moved is None or trace.callback_error is error:"),
    )


@mutant(
    family=Family.OUTCOMES,
    laws=("an_outcome_that_was_told_stays",),
    realistic="the event is set at the end of the good path",
    shows="one attempt that fails while somebody asks for its outcome",
)
def who_waits_for_an_outcome_is_not_woken_by_a_failure(patch: Patch) -> None:
    """Whoever asked while the attempt ran waits for ever when it fails."""
    patch.source(
        attempt.Attempt,
        "end",
        (
            "if self._ended is not None:",
            "if self._ended is not None and self.fate is CommitFate.COMMITTED:",
        ),
    )


@mutant(
    family=Family.OUTCOMES,
    laws=("an_outcome_that_was_told_stays",),
    realistic="outcome_of looks into the journal, and that is all it has to do",
    shows="one attempt, asked for before its COMMIT has run",
)
def an_attempt_under_way_is_denied(patch: Patch) -> None:
    """Who asks while the attempt runs is told that it is not committed, and then it is."""
    patch.source(
        store.Store,
        "outcome_of",
        (
            "while (attempt := self._in_flight.get(attempt_id)) is not None:",
            "while (attempt := None) is not None:",
        ),
    )


@mutant(
    family=Family.OUTCOMES,
    laws=("nothing_is_applied_twice",),
    realistic="a retried request gets an attempt of its own, so that it is not refused",
    shows="one attempt that is asked for twice by the same id",
)
def an_id_that_is_used_gets_a_new_one(patch: Patch) -> None:
    """An attempt that is asked for again runs again."""
    patch.source(
        attempt.Attempt,
        "_writes",
        (
            "entry = (self.attempt_id, row.file_path, row.version + 1, edge.event)",
            """attempt_id = f"{self.attempt_id}#{row.version}" if row.version else self.attempt_id
        entry = (attempt_id, row.file_path, row.version + 1, edge.event)""",
        ),
    )


@mutant(
    family=Family.OUTCOMES,
    laws=("a_doubt_stays_until_a_later_commit",),
    realistic="'a synced commit settles every doubt', and whoever ends has committed",
    shows="one attempt that has committed and not ended, one whose sync fails, and a power loss",
)
def whoever_ends_later_settles_every_doubt(patch: Patch) -> None:
    """A commit from before a doubt settles it, because its attempt ends after it."""
    patch.source(
        store.Store,
        "_note_fate",
        ("self._in_doubt -= earlier_doubts", "self._in_doubt.clear()"),
    )


@mutant(
    family=Family.OUTCOMES,
    laws=("no_single_fault_breaks_a_promise",),
    realistic="'was it really written?', without a thought of what happens when the look fails",
    shows="one statement behind COMMIT that fails",
)
def a_look_after_the_commit_may_fail_it(patch: Patch) -> None:
    """The transition is committed, the SELECT after it raises, and that is what is told."""
    patch.source(
        work,
        "commit",
        (
            "receipt.fate = CommitFate.COMMITTED",
            """receipt.fate = CommitFate.COMMITTED
    with translated(name):
        cursor.execute("SELECT count(*) FROM sqlite_schema").fetchall()""",
        ),
    )
