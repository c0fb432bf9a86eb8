"""Keys and what stands beside them: text that is only data, and columns of somebody else."""

from __future__ import annotations

from fsmcore import attempt, rows, schema
from properties.mutants.patch import Patch
from properties.mutants.registry import Family, mutant

LAW = "hostile_keys_are_only_data"


@mutant(
    family=Family.KEYS,
    laws=(LAW,),
    realistic="LIKE is = for people who search",
    shows="one attempt on a key with % in it, beside another file",
)
def the_key_is_a_pattern(patch: Patch) -> None:
    """A key with % or _ moves other rows too, or is refused because of them."""
    patch.text(schema, "COMPARE_AND_SET", "WHERE {key_column} = ?", "WHERE {key_column} LIKE ?")


@mutant(
    family=Family.KEYS,
    laws=(LAW,),
    realistic="file systems that ignore case, and keys that came from one",
    shows="one attempt on one of two keys that differ in case",
)
def the_case_of_a_key_is_ignored(patch: Patch) -> None:
    """Two files whose names differ in case are one to the UPDATE."""
    patch.text(
        schema,
        "COMPARE_AND_SET",
        "WHERE {key_column} = ?",
        "WHERE {key_column} = ? COLLATE NOCASE",
    )


@mutant(
    family=Family.KEYS,
    laws=(LAW,),
    realistic="names from macOS are decomposed, so they are composed 'at the border'",
    shows="one attempt on one of two keys that differ in composition alone",
)
def keys_are_normalised_for_reading(patch: Patch) -> None:
    """A key is looked up in another form than it was written in."""
    patch.source(
        rows,
        "read_row",
        (
            "checked_key(file_path)",
            """import unicodedata
    file_path = unicodedata.normalize("NFC", checked_key(file_path))""",
        ),
    )


@mutant(
    family=Family.KEYS,
    laws=(LAW,),
    realistic="C strings end at a NUL, and so do many drivers",
    shows="one attempt on one of two keys that differ behind a NUL",
)
def a_key_ends_at_its_nul(patch: Patch) -> None:
    """What stands behind a NUL is not looked at."""
    patch.source(
        attempt.Attempt,
        "_writes",
        (
            "where = (row.file_path, row.state, row.version)",
            'where = (row.file_path.partition("\\0")[0], row.state, row.version)',
        ),
    )


@mutant(
    family=Family.KEYS,
    laws=("a_transition_leaves_the_rest_alone",),
    realistic="an upsert, written as INSERT OR REPLACE: it deletes the row first",
    shows="one attempt on a row with something in a column of somebody else",
)
def the_row_is_replaced_whole(patch: Patch) -> None:
    """The columns that the transition does not name are empty after it."""
    patch.text(
        schema,
        "COMPARE_AND_SET",
        schema.COMPARE_AND_SET,
        """
REPLACE INTO {files_table}
    ({state_column}, {updated_at_column}, {last_error_column}, {failure_info_column},
     {key_column}, {version_column})
SELECT ?, ?, coalesce(?, {last_error_column}), coalesce(?, {failure_info_column}),
       {key_column}, {version_column} + 1
FROM {files_table}
WHERE {key_column} = ? AND {state_column} = ? AND {version_column} = ?
""",
    )


@mutant(
    family=Family.KEYS,
    laws=("a_transition_leaves_the_rest_alone",),
    realistic="`SET last_error = ?`, and most transitions have none",
    shows="one attempt on a row that has an error noted",
)
def what_was_noted_is_wiped(patch: Patch) -> None:
    """A transition without an error of its own erases the last one."""
    patch.text(schema, "COMPARE_AND_SET", "coalesce(?, {last_error_column})", "?")
