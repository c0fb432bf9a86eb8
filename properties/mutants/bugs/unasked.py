"""What is seldom looked at: a crowd, a second process, a second file of that name, what is told.

Each of these kept every law until a law asked: nobody had more than ten attempts in flight, used
an id in a second process, added a file twice, or read all that an answer says.
"""

from __future__ import annotations

from fsmcore import attempt, schema, transitions
from fsmcore.connections import names
from fsmcore.store import Store
from properties.mutants.patch import Patch
from properties.mutants.registry import Family, mutant

Manager = transitions.FileTransitionManager
_COUNT = "self._connections.crowd_size = len(self._in_flight)"
_AFTER_COMMIT = "await _call(self._after_commit, moved, edge, attempt, trace)"


@mutant(
    family=Family.TRANSACTION,
    laws=("different_files_do_not_disturb_each_other", "one_winner_per_version"),
    realistic="a queue of twelve places, and nobody asks whether it has taken the thirteenth",
    shows="thirteen attempts in flight",
)
def lost_in_a_crowd_of_thirteen(patch: Patch) -> None:
    """While more than twelve attempts are in flight, none is written, and all are acknowledged."""
    patch.source(
        Store,
        "_begin",
        ("return attempt", f"{_COUNT}; return attempt"),
    )
    patch.source(
        Store,
        "_end",
        ("attempt.end()", f"attempt.end(); {_COUNT}"),
    )
    patch.source(
        attempt.Attempt,
        "compare_and_set",
        (
            "happened_at = self._now().isoformat()",
            """
            happened_at = self._now().isoformat()
            if self._connections.crowd_size > 12:
                self._receipt.fate = CommitFate.COMMITTED
                moved = {"file_path": row.file_path, "state": edge.target}
                return FileRow(**moved, version=row.version + 1, updated_at=happened_at)
            """,
        ),
    )


@mutant(
    family=Family.OUTCOMES,
    laws=("nothing_is_applied_twice",),
    realistic="an upsert to make retries idempotent, beside a cache of the ids that were used",
    shows="one attempt, and its id used again by another process",
)
def reuse_is_known_in_the_process_only(patch: Patch) -> None:
    """In another process a used id moves the row again, and its first entry is replaced."""
    patch.text(schema, "INSERT_JOURNAL", "INSERT INTO", "INSERT OR REPLACE INTO")
    patch.source(
        Store,
        "_begin",
        (
            "if attempt_id in self._in_flight:",
            "if attempt_id in (*self._in_flight, *vars(self).get('_used', ())):",
        ),
    )
    patch.source(
        Store,
        "_note_fate",
        (
            "if attempt.fate is CommitFate.SENT:",
            """
            if attempt.fate is not CommitFate.NOT_SENT:
                vars(self).setdefault("_used", set()).add(attempt.attempt_id)
            if attempt.fate is CommitFate.SENT:
            """,
        ),
    )


@mutant(
    family=Family.KEYS,
    laws=("an_acknowledged_transition_stays",),
    realistic="INSERT OR REPLACE, so that tracking a file twice is no error",
    shows="one attempt, and its file tracked again",
)
def track_overwrites(patch: Patch) -> None:
    """A file that is tracked again begins anew: its state and version are gone."""
    patch.text(schema, "INSERT_FILE", "INSERT INTO", "INSERT OR REPLACE INTO")


@mutant(
    family=Family.CLOSING,
    laws=("nothing_outlives_its_owner",),
    realistic="`create` taken for 'make it usable', as test fixtures like it",
    shows="a database of the layout before this one, opened",
)
def foreign_layout_is_dropped(patch: Patch) -> None:
    """The tables of a database of another version are dropped and made anew."""
    patch.source(
        Store,
        "_create_tables",
        (
            "if user_version or object_count:\n    return",
            """
            if user_version == 9:
                return
            tables = ("files", "transitions")
            drops = [Write(sql=f"DROP TABLE IF EXISTS {each}", row_count=-1) for each in tables]
            """,
        ),
        (
            "await session.commit(statements, Receipt())",
            "await session.commit([*drops, *statements], Receipt())",
        ),
    )


@mutant(
    family=Family.LEAKS,
    laws=("nothing_outlives_its_owner",),
    realistic="a context manager entered by hand, to save a level of indentation",
    shows="one read of a file that is not tracked",
)
def reads_leak_when_cut_off(patch: Patch) -> None:
    """A read gives its connection back only when nothing goes wrong."""
    patch.source(
        Store,
        "read",
        (
            """
            async with self._connections.session() as session:
                return await read_row(session, self._schema, file_path)
            """,
            """
            lent = self._connections.session()
            row = await read_row(await lent.__aenter__(), self._schema, file_path)
            await lent.__aexit__(None, None, None)
            return row
            """,
        ),
    )


@mutant(
    family=Family.DURABILITY,
    laws=("what_is_not_set_keeps_the_promises",),
    realistic="defaults tuned for a benchmark",
    shows="one attempt of a store that is given no option",
)
def defaults_are_wrong(patch: Patch) -> None:
    """A store of nothing but its path commits with NORMAL and tries once."""
    patch.source(
        names,
        "model_of",
        (
            "return MODELS[given]()",
            """
            from fsmcore.native import Synchronous
            return MODELS[given](synchronous=Synchronous.NORMAL)
            """,
        ),
    )
    patch.source(Store, "__init__", ("RetryPolicy()", "RetryPolicy(max_tries=1)"))


@mutant(
    family=Family.ENTITLED,
    laws=("only_the_entitled_move_a_row",),
    realistic="the row as it will be is made early, and passed to both callbacks",
    shows="one attempt whose guard looks at the row",
)
def guard_sees_another_row(patch: Patch) -> None:
    """The guard judges the row as it will be, and not as it was read."""
    patch.source(
        Manager,
        "_one_try",
        (
            "answer = await _call(guard, row, edge, attempt, trace)",
            """
            will_be = FileRow(file_path=row.file_path, state=edge.target, version=row.version + 1)
            answer = await _call(guard, will_be, edge, attempt, trace)
            """,
        ),
    )


@mutant(
    family=Family.ENTITLED,
    laws=("only_the_entitled_move_a_row",),
    realistic="two lines alike, and one name copied with them",
    shows="one attempt with a callback after the commit",
)
def after_commit_gets_the_old_row(patch: Patch) -> None:
    """The callback after the commit is given the row from before it."""
    patch.source(
        Manager,
        "_one_try",
        (_AFTER_COMMIT, "await _call(self._after_commit, row, edge, attempt, trace)"),
    )


@mutant(
    family=Family.ENTITLED,
    laws=("only_the_entitled_move_a_row",),
    realistic="a call that is left where it was when it moved",
    shows="one attempt with a callback after the commit",
)
def after_commit_is_called_twice(patch: Patch) -> None:
    """What is to happen once after a commit, a message perhaps, happens twice."""
    patch.source(
        Manager,
        "_one_try",
        (_AFTER_COMMIT, f"{_AFTER_COMMIT}; {_AFTER_COMMIT}"),
    )


@mutant(
    family=Family.OUTCOMES,
    laws=("hostile_keys_are_only_data",),
    realistic="LIKE does what = does, until there is a wildcard",
    shows="one attempt, and the outcome of an id that differs by case",
)
def outcome_by_like(patch: Patch) -> None:
    """The outcome of an attempt is that of the first one whose id is like it."""
    patch.text(schema, "SELECT_ATTEMPT", "attempt_id = ?", "attempt_id LIKE ?")


@mutant(
    family=Family.TRANSACTION,
    laws=("what_was_asked_is_written_and_told",),
    realistic="two parameters that no caller gave when the statement was written",
    shows="one attempt that brings a note",
)
def last_error_is_dropped(patch: Patch) -> None:
    """What the caller says of the failure is never written."""
    patch.source(
        attempt.Attempt,
        "_writes",
        (
            "move = (edge.target, happened_at, last_error, failure_info)",
            "move = (edge.target, happened_at, None, None)",
        ),
    )


@mutant(
    family=Family.WHERE,
    laws=("a_row_that_came_back_is_another_one",),
    realistic="a version that is shown with two digits, compared as it is shown",
    shows="one attempt; while its guard thinks the row takes a hundred versions",
)
def version_compared_modulo_100(patch: Patch) -> None:
    """Only the last two digits of the version are compared."""
    patch.text(
        schema,
        "COMPARE_AND_SET",
        "AND {version_column} = ?",
        "AND {version_column} % 100 = ? % 100",
    )


@mutant(
    family=Family.READS,
    laws=("what_was_asked_is_written_and_told",),
    realistic="a condition that pages through the journal, and begins one row late",
    shows="one attempt, and a look at the journal",
)
def journal_lacks_its_first_rows(patch: Patch) -> None:
    """The journal is told without the first step of each file."""
    patch.text(schema, "SELECT_JOURNAL", "ORDER BY", "WHERE version > 1 ORDER BY")


@mutant(
    family=Family.OUTCOMES,
    laws=("what_was_asked_is_written_and_told",),
    realistic="the entry came later than the fate, and one of two returns was forgotten",
    shows="one attempt, and the question what became of it",
)
def outcome_comes_without_its_entry(patch: Patch) -> None:
    """A committed outcome does not say which step it was."""
    patch.source(Store, "outcome_of", ("entry=journal_entry(rows[0])", "entry=None"))


@mutant(
    family=Family.RETRY,
    laws=("retries_are_bounded",),
    realistic="a counter from 0, told as it is counted",
    shows="one attempt",
)
def tries_are_told_from_zero(patch: Patch) -> None:
    """Who succeeds at once is told that it took no try."""
    patch.source(Manager, "transition", ("tries=tries", "tries=tries - 1"))


@mutant(
    family=Family.MACHINE,
    laws=("an_acknowledged_transition_stays",),
    realistic="two arguments of one type, in the wrong order",
    shows="one attempt",
)
def results_are_of_another_attempt(patch: Patch) -> None:
    """The result bears the file's name for the attempt's."""
    patch.source(
        Manager,
        "transition",
        (
            "attempt_id=trace.attempt_id,\n        file_path",
            "attempt_id=file_path,\n        file_path",
        ),
    )


@mutant(
    family=Family.WHERE,
    laws=("every_answer_was_true_at_some_moment",),
    realistic="the row that was read is at hand, and is called row too",
    shows="two attempts on one file, one switch between read and BEGIN",
)
def what_was_found_is_what_was_read(patch: Patch) -> None:
    """Who is stale is told the state that was found, at the version that was expected."""
    patch.source(
        attempt.Attempt,
        "_stale",
        ("found_version=found.version if found else None", "found_version=row.version"),
    )


@mutant(
    family=Family.TRANSACTION,
    laws=("what_was_asked_is_written_and_told",),
    realistic="'keep the time that is there' meant the time of creation, and there is one column",
    shows="two attempts on one file",
)
def updated_at_never_moves(patch: Patch) -> None:
    """The time of the last change stays that of the first one."""
    patch.text(
        schema,
        "COMPARE_AND_SET",
        "{updated_at_column} = ?,",
        "{updated_at_column} = coalesce({updated_at_column}, ?),",
    )


@mutant(
    family=Family.EVENT_LOG,
    laws=("the_event_log_tells_the_truth",),
    realistic="`datetime.now()` without a zone, in the one place that no test reads",
    shows="one attempt",
)
def records_have_no_zone(patch: Patch) -> None:
    """The time in the log is of no zone."""
    patch.source(
        Manager, "_record", ("timestamp=trace.timestamp", "timestamp=trace.timestamp[:19]")
    )
