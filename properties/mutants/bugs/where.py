"""The WHERE clause and the row count: what is compared, and whether anybody looks."""

from __future__ import annotations

from fsmcore import connections, schema
from properties.mutants.patch import Patch
from properties.mutants.registry import Family, mutant


@mutant(
    family=Family.WHERE,
    laws=("one_winner_per_version", "only_legal_edges_are_taken"),
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
    laws=("one_winner_per_version", "the_history_is_linearizable"),
    realistic="execute() raises nothing when no row matches; who has never been late never looks",
    shows="two attempts on one file, one switch between read and BEGIN",
)
def the_row_count_is_ignored(patch: Patch) -> None:
    """Whoever moved no row is told that it did, and journals it."""
    patch.source(
        connections._AioSession,
        "_send",
        (
            "if cursor.rowcount != write.row_count:",
            "if cursor.rowcount > 1:",
        ),
    )
