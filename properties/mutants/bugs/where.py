"""The WHERE clause and the row count: what is compared, and whether anybody looks."""

from __future__ import annotations

from fsmcore import attempt, schema
from fsmcore.connections import work
from properties.mutants.patch import Patch
from properties.mutants.registry import Family, mutant


@mutant(
    family=Family.WHERE,
    laws=("a_row_that_came_back_is_another_one", "one_winner_per_version"),
    realistic="an UPDATE written before there was a version column, and only half adapted",
    shows="two attempts on one file, one switch between read and BEGIN",
)
def the_update_compares_the_key_alone(patch: Patch) -> None:
    """State and version are left out of the WHERE clause."""
    patch.text(
        schema,
        "COMPARE_AND_SET",
        "AND {state_column} = ? AND {version_column} = ?",
        "AND ? IS NOT NULL AND ? IS NOT NULL",
    )


@mutant(
    family=Family.WHERE,
    laws=("a_row_that_came_back_is_another_one", "one_winner_per_version"),
    realistic="execute() raises nothing when no row matches; who has never been late never looks",
    shows="two attempts on one file, one switch between read and BEGIN",
)
def the_row_count_is_ignored(patch: Patch) -> None:
    """Whoever moved no row is told that it did, and journals it."""
    patch.source(
        work.Transaction,
        "write",
        ("if row_count != write.row_count:", "if row_count > 1:"),
    )


@mutant(
    family=Family.WHERE,
    laws=("a_row_that_came_back_is_another_one",),
    realistic="'each state is visited once', which holds until somebody puts a file back",
    shows="one attempt; while its guard thinks the file moves on, and is put back",
)
def the_update_compares_the_state_alone(patch: Patch) -> None:
    """The version is left out of the WHERE clause."""
    patch.text(schema, "COMPARE_AND_SET", "AND {version_column} = ?", "AND ? IS NOT NULL")


@mutant(
    family=Family.WHERE,
    laws=("different_files_do_not_disturb_each_other", "hostile_keys_are_only_data"),
    realistic="a condition lost while the WHERE clause was put together",
    shows="one attempt beside a second file in the same state and version",
)
def the_update_compares_all_but_the_key(patch: Patch) -> None:
    """Every file in this state and version is moved, or none because there are two."""
    patch.text(schema, "COMPARE_AND_SET", "WHERE {key_column} = ?", "WHERE ? IS NOT NULL")


@mutant(
    family=Family.WHERE,
    laws=("a_stale_writer_never_wins", "one_winner_per_version"),
    realistic="'it is where I wanted it, so somebody was faster, so it is done': idempotence",
    shows="two attempts of one event on one file, one switch between read and BEGIN",
)
def who_comes_late_is_told_success(patch: Patch) -> None:
    """A row that is already in the target state is taken for moved."""
    patch.source(
        attempt.Attempt,
        "compare_and_set",
        (
            "raise await self._stale(row) from error",
            """found = await self.read(row.file_path)
        if found.state == edge.target:
            return found
        raise await self._stale(row) from error""",
        ),
    )


@mutant(
    family=Family.WHERE,
    laws=("an_acknowledged_transition_stays", "a_stale_writer_never_wins"),
    realistic="the row that was read is at hand, and looks like the row that was written",
    shows="one attempt",
)
def the_old_version_is_returned(patch: Patch) -> None:
    """The caller is told the version that the row had before."""
    patch.source(
        attempt.Attempt,
        "compare_and_set",
        (
            "version=row.version + 1,",
            "version=row.version,",
        ),
    )


@mutant(
    family=Family.WHERE,
    laws=("only_legal_edges_are_taken", "nothing_is_applied_twice"),
    realistic="a trigger counts versions too, left from a migration",
    shows="one attempt",
)
def the_version_is_counted_twice(patch: Patch) -> None:
    """Each transition takes two versions."""
    patch.text(schema, "COMPARE_AND_SET", "{version_column} + 1", "{version_column} + 2")
