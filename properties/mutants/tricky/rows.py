"""Rows compared and counted in other ways, and tables that hold more than they must."""

from __future__ import annotations

from fsmcore import schema
from fsmcore.connections import work
from properties.mutants.patch import Patch
from properties.mutants.registry import Family, tricky


@tricky(
    family=Family.WHERE,
    realistic="a version says everything",
    shows="whoever moves a row counts its version, so the same version is the same row",
)
def the_version_alone_is_compared(patch: Patch) -> None:
    """The state is left out of the WHERE clause, the version is not."""
    patch.text(schema, "COMPARE_AND_SET", "AND {state_column} = ?", "AND ? IS NOT NULL")


@tricky(
    family=Family.WHERE,
    realistic="a condition that an ORM puts together",
    shows="the subquery and the UPDATE are one statement",
)
def the_row_is_found_by_a_subquery(patch: Patch) -> None:
    """The compare-and-set selects its key, and updates by that."""
    patch.text(
        schema,
        "COMPARE_AND_SET",
        "WHERE {key_column} = ? AND {state_column} = ? AND {version_column} = ?",
        "WHERE {key_column} IN (SELECT {key_column} FROM {files_table} "
        "WHERE {key_column} = ? AND {state_column} = ? AND {version_column} = ?)",
    )


@tricky(
    family=Family.WHERE,
    realistic="drivers whose rowcount cannot be trusted",
    shows="changes() tells of the last statement of this connection, which nobody else uses",
)
def rows_are_counted_by_changes(patch: Patch) -> None:
    """The row count is asked of SQLite, in a statement of its own."""
    patch.source(
        work.Transaction,
        "write",
        (
            "if row_count != write.row_count:\n",
            """if write.row_count < 0:
            continue
        ((row_count,),) = cursor.execute("SELECT changes()").fetchall()
        if row_count != write.row_count:
""",
        ),
    )


@tricky(
    family=Family.WHERE,
    realistic="UPDATE … RETURNING, as on other databases",
    shows="a row comes back for each that was moved, all fetched in the call that moved them",
)
def rows_are_counted_as_they_come_back(patch: Patch) -> None:
    """The moved rows are returned, and counted."""
    patch.text(
        schema,
        "COMPARE_AND_SET",
        "AND {version_column} = ?",
        "AND {version_column} = ? RETURNING {version_column}",
    )
    patch.source(
        work.Transaction,
        "write",
        (
            "row_count = cursor.execute(write.sql, write.parameters).rowcount",
            """cursor.execute(write.sql, write.parameters)
        row_count = len(cursor.fetchall()) if "RETURNING" in write.sql else cursor.rowcount""",
        ),
    )


@tricky(
    family=Family.KEYS,
    realistic="somebody wants to find files by their state",
    shows="an index changes what a query costs, and nothing else",
)
def there_is_one_index_more(patch: Patch) -> None:
    """The table of files has an index on state and version."""
    patch.source(
        schema.Schema,
        "create_statements",
        (
            "yield self.sql(CREATE_FILES)",
            """yield self.sql(CREATE_FILES)
    yield self.sql(
        "CREATE INDEX by_state ON {files_table} ({state_column}, {version_column})"
    )""",
        ),
    )


@tricky(
    family=Family.KEYS,
    realistic="an audit: each journal entry leaves a mark in a table that nobody else writes",
    shows="the trigger runs in the same transaction, and rows it writes are not counted",
)
def a_trigger_notes_each_entry(patch: Patch) -> None:
    """Each journal entry is noted once more, by SQLite itself."""
    patch.source(
        schema.Schema,
        "create_statements",
        (
            "yield self.sql(CREATE_JOURNAL)",
            """yield self.sql(CREATE_JOURNAL)
        yield "CREATE TABLE noted (attempt_id TEXT, mark TEXT)"
        yield self.sql(
            "CREATE TRIGGER note AFTER INSERT ON {journal_table} BEGIN "
            "INSERT INTO noted VALUES (new.attempt_id, hex(new.attempt_id || new.version)); END"
        )""",
        ),
    )
