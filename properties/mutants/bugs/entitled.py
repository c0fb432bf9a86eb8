"""Who may move a row: guards, expected versions and callbacks, asked in time and heeded."""

from __future__ import annotations

from fsmcore import attempt, schema, store, transitions
from fsmcore.adapters import handrolled
from properties.mutants.patch import Patch
from properties.mutants.registry import Family, mutant

_ASK = """    if not await self._ask_guard(edge):
        raise GuardRejectedError(self._file_path, event, source)
"""
_ENTER = """    await self._enter(edge)
"""


@mutant(
    family=Family.ENTITLED,
    laws=("only_the_entitled_move_a_row",),
    realistic="the answer was read once, in a branch that a clean-up took away",
    shows="one attempt whose guard says no",
)
def the_guard_is_asked_and_not_heeded(patch: Patch) -> None:
    """Whatever the guard says, the row moves."""
    patch.source(
        handrolled.HandRolledAdapter,
        "trigger",
        ("if not await self._ask_guard(edge):", "if await self._ask_guard(edge) is None:"),
    )


@mutant(
    family=Family.ENTITLED,
    laws=("only_the_entitled_move_a_row",),
    realistic="a guard that wants to see the row as it will be is moved behind the write",
    shows="one attempt whose guard says no",
)
def the_guard_is_asked_after_the_write(patch: Patch) -> None:
    """Who is told that its guard said no has moved the row."""
    patch.source(
        handrolled.HandRolledAdapter,
        "trigger",
        (_ASK + _ENTER, _ENTER + _ASK),
    )


@mutant(
    family=Family.ENTITLED,
    laws=("a_refused_attempt_begins_no_write", "only_the_entitled_move_a_row"),
    realistic="'at least this version' reads like an optimistic check, and is none",
    shows="one attempt that expects the version before the row's",
)
def a_newer_row_than_expected_is_taken(patch: Patch) -> None:
    """Only a row that is older than expected is stale."""
    patch.source(
        transitions.FileTransitionManager,
        "_read",
        ("row.version != expected_version:", "row.version < expected_version:"),
    )


@mutant(
    family=Family.ENTITLED,
    laws=("only_the_entitled_move_a_row",),
    realistic="a callback that became async, called as before; Python only warns",
    shows="one attempt whose callback before the commit raises",
)
def the_callback_before_the_commit_is_not_awaited(patch: Patch) -> None:
    """Its coroutine is made and dropped, and its error with it."""
    patch.source(
        transitions.FileTransitionManager,
        "_one_try",
        (
            "await _call(self._before_commit, row, edge, attempt, trace)",
            "getattr(self._before_commit(row, edge), 'close', bool)()",
        ),
    )


@mutant(
    family=Family.ENTITLED,
    laws=("a_clock_that_steps_changes_nothing",),
    realistic="last writer wins by timestamp, kept as a second check when versions came",
    shows="two attempts on one file, and a clock that steps back a second between them",
)
def who_comes_from_the_past_is_late(patch: Patch) -> None:
    """A row that was written at a later time is not moved."""
    patch.text(
        schema,
        "COMPARE_AND_SET",
        "AND {version_column} = ?",
        "AND {version_column} = ? AND coalesce({updated_at_column}, '') <= ?2",
    )


@mutant(
    family=Family.ENTITLED,
    laws=("every_answer_was_true_at_some_moment",),
    realistic="one except clause for both ways to lose a race",
    shows="one attempt while somebody holds the write lock until it gives up",
)
def who_meets_a_lock_is_told_that_it_was_overtaken(patch: Patch) -> None:
    """A row that nobody moved is told as stale."""
    patch.source(
        attempt.Attempt,
        "compare_and_set",
        (
            "except RowCountError as error:",
            """
            except sql_errors.StoreBusyError as error:
                raise await self._stale(row) from error
            except RowCountError as error:
            """,
        ),
        (
            "happened_at = self._now().isoformat()",
            "import fsmcore.errors as sql_errors; happened_at = self._now().isoformat()",
        ),
    )


@mutant(
    family=Family.OUTCOMES,
    laws=("a_reopened_store_says_the_same",),
    realistic="the journal was slow to read, so what became of an attempt is kept beside it",
    shows="one attempt, and another store on the same file that is asked for its outcome",
)
def outcomes_are_kept_in_the_process(patch: Patch) -> None:
    """Nobody but the store that made an attempt knows that it is committed."""
    patch.source(
        store.Store,
        "_note_fate",
        (
            "if attempt.fate is CommitFate.SENT:",
            """
            if attempt.fate is CommitFate.COMMITTED:
                vars(self).setdefault('_done', set()).add(attempt.attempt_id)
            if attempt.fate is CommitFate.SENT:
            """,
        ),
    )
    patch.source(
        store.Store,
        "outcome_of",
        ("if rows:", "if rows and attempt_id in vars(self).get('_done', ()):"),
    )


@mutant(
    family=Family.ENTITLED,
    laws=("a_refused_attempt_leaves_no_trace",),
    realistic="a guard that wants to see the row as it will be, and errors that pass unchanged",
    shows="one attempt whose guard says no",
)
def who_was_refused_has_moved_the_row(patch: Patch) -> None:
    """The guard is asked after the commit, and its no is told as if nothing had been written."""
    patch.source(handrolled.HandRolledAdapter, "trigger", (_ASK + _ENTER, _ENTER + _ASK))
    patch.source(
        transitions.FileTransitionManager,
        "_settled",
        ("if trace.moved is None:", "if trace.moved is None or not error.retryable:"),
        ("except Exception as error:", "except FsmCoreError as error:"),
    )


@mutant(
    family=Family.OUTCOMES,
    laws=("an_unknown_outcome_resolves_in_one_read",),
    realistic="the journal was searched by the wrong one of two texts of the same shape",
    shows="one attempt, and the question what became of it",
)
def outcomes_are_looked_up_by_file(patch: Patch) -> None:
    """An attempt that is committed is not found by its id."""
    patch.text(schema, "SELECT_ATTEMPT", "WHERE attempt_id = ?", "WHERE file_path = ?")
