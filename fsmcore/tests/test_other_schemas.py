"""A schema of your own: other names, more columns, no journal. Names are data."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from fsmcore import (
    DefinitionError,
    FileAlreadyTrackedError,
    FileTransitionManager,
    MachineFactory,
    Schema,
    SchemaMismatchError,
    StaleTransitionError,
    Store,
    audit,
)
from fsmcore.check import check
from fsmcore.tests.support import KEY, opened, query

HOSTILE = Schema(
    files_table='fi"les; DROP TABLE x; --',
    key_column="select",
    state_column="st'ate",
    updated_at_column="a b",
    version_column='"',
    last_error_column="{last}",
    failure_info_column="übel 🙂",
    journal_table="[jour`nal]",
    user_version=None,
)


async def test_hostile_names_are_only_names(path: Path, machine: MachineFactory) -> None:
    """Quotes, keywords, braces and emoji in table and column names change nothing."""
    async with opened(path, machine=machine, schema=HOSTILE) as manager:
        await manager.transition(KEY, "start_upload", last_error="E")
        row = await manager.store.read(KEY)
        journal = await manager.store.journal()
    assert ("uploading", 1, "E") == (row.state, row.version, row.last_error)
    assert [1] == [entry.version for entry in journal]
    assert [] == check(str(path), schema=HOSTILE)
    tables = query(path, "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY 1")
    assert [("[jour`nal]",), ('fi"les; DROP TABLE x; --',)] == tables


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"files_table": ""}, "files_table is ''; use non-empty text"),
        ({"key_column": 5}, "key_column is 5; use non-empty text"),
        ({"state_column": "a\0"}, "state_column is"),
        ({"version_column": "\ud800"}, "version_column is"),
        ({"key_column": "VERSION"}, "two columns share a name"),
        ({"journal_table": "FILES"}, "the journal and the files need tables of their own"),
        ({"journal_table": ""}, "journal_table is ''; use non-empty text"),
        ({"user_version": "9"}, "user_version is '9'"),
        ({"user_version": 2**31}, "user_version is 2147483648"),
        ({"user_version": -(2**31) - 1}, "user_version is -2147483649"),
    ],
)
def test_a_schema_that_cannot_be_is_refused(change: dict[str, Any], words: str) -> None:
    """Every contradiction is found before a file is touched."""
    with pytest.raises(DefinitionError, match="schema: ") as caught:
        Schema(**change)
    assert words in str(caught.value)


async def test_a_schema_that_sqlite_refuses_is_told_in_its_words(path: Path) -> None:
    """A reserved name cannot be created; the reason is not lost."""
    with pytest.raises(SchemaMismatchError, match="reserved for internal use: sqlite_files"):
        await Store(path, create=True, schema=Schema(files_table="sqlite_files")).open()


async def test_the_journal_can_be_left_out(path: Path, machine: MachineFactory) -> None:
    """Without a journal the row moves all the same, and races are settled all the same."""
    async with opened(path, machine=machine, schema=Schema(journal_table=None)) as manager:
        await manager.transition(KEY, "start_upload")
        with pytest.raises(StaleTransitionError):
            await manager.transition(KEY, "complete_upload", expected_version=0)
    assert [("files",)] == query(path, "SELECT name FROM sqlite_schema WHERE type = 'table'")
    assert [] == check(str(path), schema=Schema(journal_table=None))


async def test_more_columns_do_no_harm(path: Path, machine: MachineFactory) -> None:
    """A table may have columns that the core knows nothing of, and they are left alone."""
    async with opened(path):
        pass
    query(path, "ALTER TABLE files ADD COLUMN owner TEXT NOT NULL DEFAULT 'nobody'")
    query(path, "UPDATE files SET owner = 'me'")
    async with Store(path) as store:
        await FileTransitionManager(store, machine=machine).transition(KEY, "start_upload")
    assert [("me", 1)] == query(path, "SELECT owner, version FROM files")


async def test_a_constraint_of_your_own_is_not_taken_for_a_tracked_file(path: Path) -> None:
    """A CHECK that refuses a new row is told as that, and not as *already tracked*."""
    query(
        path,
        "CREATE TABLE files (file_path TEXT PRIMARY KEY, gemini_state, "
        "gemini_state_updated_at, version, last_error, failure_info, "
        "CHECK (file_path NOT LIKE 'x%'), CHECK (version < 1))",
    )
    schema = Schema(journal_table=None, user_version=None)
    async with opened(path, schema=schema) as manager:
        with pytest.raises(FileAlreadyTrackedError, match="already tracked"):
            await manager.track(KEY)
        with pytest.raises(SchemaMismatchError, match="a constraint refused") as caught:
            await manager.track("x.txt")
        assert "CHECK constraint failed" in str(caught.value)
        with pytest.raises(SchemaMismatchError, match="a constraint refused version 1"):
            await manager.transition(KEY, "start_upload")
    assert [(KEY, "untracked", 0)] == query(
        path, "SELECT file_path, gemini_state, version FROM files"
    )


async def test_a_row_moved_back_behind_its_journal_is_told(path: Path) -> None:
    """Somebody restored the row and not the journal: refused, with the command that shows it."""
    async with opened(path) as manager:
        await manager.transition(KEY, "start_upload")
        query(path, "UPDATE files SET gemini_state = 'untracked', version = 0")
        with pytest.raises(SchemaMismatchError, match=r"'python -m fsmcore\.check FILE' says"):
            await manager.transition(KEY, "start_upload")
    assert [("untracked", 0)] == query(path, "SELECT gemini_state, version FROM files")


async def test_two_rows_of_one_key_are_told(path: Path) -> None:
    """The unique index went while the store was open: both rows would move, and neither does."""
    query(
        path,
        "CREATE TABLE files (file_path, gemini_state, gemini_state_updated_at, "
        "version INTEGER, last_error, failure_info)",
    )
    query(path, "CREATE UNIQUE INDEX by_key ON files (file_path)")
    schema = Schema(journal_table=None, user_version=None)
    async with opened(path, schema=schema) as manager:
        query(path, "DROP INDEX by_key")
        await manager.track(KEY)
        with pytest.raises(SchemaMismatchError, match="2 rows share this key"):
            await manager.transition(KEY, "start_upload")
    assert [("untracked", 0)] * 2 == query(path, "SELECT gemini_state, version FROM files")


def remade(path: Path, table: str, *, without: str, put: str = "") -> None:
    """Make a table again with its rows, and with other words in its definition."""
    ((definition,),) = query(path, "SELECT sql FROM sqlite_schema WHERE name = ?", table)
    assert without in definition
    query(path, f"ALTER TABLE {table} RENAME TO old")
    query(path, definition.replace(without, put))
    query(path, f"INSERT INTO {table} SELECT * FROM old")  # noqa: S608 - a name of ours
    query(path, "DROP TABLE old")


@pytest.mark.parametrize(
    ("table", "key", "without", "put"),
    [
        ("files", "file_path", " PRIMARY KEY", ""),
        ("transitions", "attempt_id", " PRIMARY KEY", ""),
        ("transitions", "file_path, version", "version)", "version, event)"),
        ("transitions", "file_path, version", "version)", "event)"),
    ],
)
async def test_what_may_be_there_twice_is_refused(
    path: Path, table: str, key: str, without: str, put: str
) -> None:
    """A table restored without its constraint would journal one attempt twice; an index mends it.

    Neither an index of more columns nor one of some rows keeps them apart.
    """
    async with opened(path):
        pass
    if table == "transitions":
        remade(path, table, without=" WITHOUT ROWID")
    remade(path, table, without=without, put=put)
    query(path, f"CREATE UNIQUE INDEX some ON {table} ({key}) WHERE version > 1")
    words = f"'{table}' may hold the same {key} twice. Add a UNIQUE"
    with pytest.raises(SchemaMismatchError, match=words):
        async with Store(path):
            pass
    with pytest.raises(SchemaMismatchError, match=words):
        check(str(path))
    query(path, f"CREATE UNIQUE INDEX every ON {table} ({key})")
    assert [] == check(str(path))
    async with Store(path) as store:
        await FileTransitionManager(store).transition(KEY, "start_upload")


@pytest.mark.parametrize("table", ["files", "transitions"])
async def test_a_key_that_is_not_compared_byte_by_byte_is_refused(path: Path, table: str) -> None:
    """Else the journal and the locks would know two keys where the table has one row."""
    async with opened(path):
        pass
    column = "file_path" if table == "files" else "attempt_id"
    query(path, f"CREATE UNIQUE INDEX folded ON {table} ({column} COLLATE NOCASE)")
    assert [] == check(str(path))  # an index of your own that refuses more does no harm
    query(path, "DROP INDEX folded")
    remade(path, table, without=" PRIMARY KEY", put=" COLLATE NOCASE PRIMARY KEY")
    with pytest.raises(SchemaMismatchError, match=f"'{table}' compares {column} by NOCASE"):
        async with Store(path):
            pass
    query(path, f"CREATE UNIQUE INDEX bytes ON {table} ({column} COLLATE BINARY)")
    with pytest.raises(SchemaMismatchError, match=f"'{table}' compares {column} by NOCASE"):
        check(str(path))


async def test_a_trigger_that_swallows_the_journal_row_is_told(path: Path) -> None:
    """A journal row that SQLite did not write undoes the whole transition."""
    async with opened(path) as manager:
        query(path, "CREATE TRIGGER t BEFORE INSERT ON transitions BEGIN SELECT RAISE(IGNORE); END")
        with pytest.raises(SchemaMismatchError, match="journal"):
            await manager.transition(KEY, "start_upload")
    assert [("untracked", 0)] == query(path, "SELECT gemini_state, version FROM files")


async def test_a_trigger_that_swallows_a_new_file_is_told(path: Path) -> None:
    """A file that SQLite did not add is not tracked, and its caller hears why."""
    async with opened(path) as manager:
        query(path, "CREATE TRIGGER t BEFORE INSERT ON files BEGIN SELECT RAISE(IGNORE); END")
        with pytest.raises(SchemaMismatchError, match="the table did not take its row"):
            await manager.track("another")
    assert [(KEY,)] == query(path, "SELECT file_path FROM files")


@pytest.mark.parametrize("version", [-1, 1.5, "x", None, b"\x01"])
async def test_a_version_that_does_not_count_is_told(
    path: Path, machine: MachineFactory, version: object
) -> None:
    """A version that is no whole number from 0 on cannot be compared and set."""
    query(
        path,
        "CREATE TABLE files (file_path TEXT PRIMARY KEY, gemini_state, "
        "gemini_state_updated_at, version, last_error, failure_info)",
    )
    schema = Schema(journal_table=None, user_version=None)
    async with opened(path, machine=machine, schema=schema) as manager:
        query(path, "UPDATE files SET version = ?", version)
        with pytest.raises(SchemaMismatchError, match="a whole number from 0 on is needed"):
            await manager.transition(KEY, "start_upload")
    with contextlib.closing(sqlite3.connect(path)) as db:
        names = [violation.invariant for violation in audit(db, schema=schema)]
    assert ["every_version_counts"] == names
