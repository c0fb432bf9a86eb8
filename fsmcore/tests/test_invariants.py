"""Each truth about a database file, violated by hand."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import pytest

from fsmcore import FILE_LIFECYCLE, Edge, Lifecycle, Violation, audit
from fsmcore.check import check
from fsmcore.invariants import INVARIANTS
from fsmcore.tests.support import KEY, opened, query

MOVE = "INSERT INTO transitions VALUES (?, ?, ?, ?, ?, ?, 'now')"


async def written(path: Path) -> None:
    """Make a sound database: one file at version 2, and one at version 0."""
    async with opened(path, files=(KEY, "b.txt")) as manager:
        await manager.transition(KEY, "start_upload")
        await manager.transition(KEY, "complete_upload")


def found(path: Path) -> list[tuple[str, str | None, str]]:
    """Return every violation as a tuple."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
        violations = audit(db)
    return [(one.invariant, one.file_path, one.found) for one in violations]


async def test_a_sound_database_violates_nothing(path: Path) -> None:
    """What the core wrote is sound."""
    await written(path)
    assert [] == found(path)


async def test_the_invariants_are_these(path: Path) -> None:
    """Seven truths, each a function with a sentence."""
    assert [check.__name__ for check in INVARIANTS] == [
        "pages_are_sound",
        "every_state_is_known",
        "every_version_counts",
        "every_attempt_is_there_once",
        "every_edge_taken_is_legal",
        "every_history_is_unbroken",
        "every_row_is_where_its_history_ends",
    ]
    assert all(check.__doc__ for check in INVARIANTS)


async def test_pages_are_sound(path: Path) -> None:
    """An index without one of its entries is found by SQLite itself."""
    await written(path)
    query(path, "CREATE TABLE extra (x UNIQUE)")
    query(path, "INSERT INTO extra VALUES (1), (2)")
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
        ((root,),) = db.execute("SELECT rootpage FROM sqlite_schema WHERE name LIKE '%extra_1'")
        ((size,),) = db.execute("PRAGMA page_size")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    with path.open("r+b") as file:
        file.seek((root - 1) * size + 3)
        file.write(b"\0\1")  # the index page says that it has one cell
    assert ("pages_are_sound", None, "wrong # of entries in index sqlite_autoindex_extra_1") in (
        found(path)
    )


@pytest.mark.parametrize("state", ["lost", "", None, 5, b"\xff"])
async def test_every_state_is_known(path: Path, state: object) -> None:
    """A state that the lifecycle lacks, of whatever type."""
    query(path, "CREATE TABLE files (file_path, gemini_state, version)")
    query(
        path,
        "CREATE TABLE transitions (attempt_id, file_path, version, event, from_state, "
        "to_state, happened_at)",
    )
    query(path, "INSERT INTO files VALUES ('a', ?, 0)", state)
    assert [("every_state_is_known", "a", f"state {state!r}")] == found(path)


@pytest.mark.parametrize("version", [-1, 0.5, "one"])
async def test_every_version_counts(path: Path, version: object) -> None:
    """A version that is no whole number from 0 on."""
    await written(path)
    query(path, "UPDATE files SET version = ? WHERE file_path = 'b.txt'", version)
    assert ("every_version_counts", "b.txt", f"version {version!r}") in found(path)


async def test_every_edge_taken_is_legal(path: Path) -> None:
    """A journal row along an edge that the lifecycle lacks."""
    await written(path)
    query(path, "UPDATE transitions SET event = 'fail_upload' WHERE version = 2")
    assert found(path) == [
        (
            "every_edge_taken_is_legal",
            KEY,
            "version 2: 'uploading' --'fail_upload'--> 'processing'",
        )
    ]


async def test_every_history_is_unbroken_in_versions(path: Path) -> None:
    """A journal row is missing in the middle."""
    await written(path)
    query(path, "DELETE FROM transitions WHERE version = 1")
    assert [("every_history_is_unbroken", KEY, "version 2 follows version 0")] == found(path)


async def test_every_history_is_unbroken_in_states(path: Path) -> None:
    """A journal row leaves a state that the one before did not reach."""
    await written(path)
    query(path, MOVE, "x", KEY, 3, "fail_upload", "uploading", "failed")
    query(path, "UPDATE files SET version = 3, gemini_state = 'failed' WHERE version = 2")
    assert found(path) == [
        ("every_history_is_unbroken", KEY, "version 3 leaves 'uploading', not 'processing'")
    ]


async def test_every_row_is_where_its_history_ends(path: Path) -> None:
    """A row that somebody moved without the journal, in version, in state, or away."""
    await written(path)
    query(path, "UPDATE files SET version = 1 WHERE file_path = ?", KEY)
    query(path, "UPDATE files SET version = 4 WHERE file_path = 'b.txt'")
    query(path, MOVE, "x", "gone.txt", 1, "start_upload", "untracked", "uploading")
    name = "every_row_is_where_its_history_ends"
    assert found(path) == [
        (name, KEY, "'processing' at version 1, journal: 'processing' at 2"),
        (name, "b.txt", "version 4 without a journal entry"),
        (name, "gone.txt", "journal entries without a row"),
    ]


async def test_every_attempt_is_there_once(path: Path) -> None:
    """A journal that lost its constraint took one attempt for two files."""
    await written(path)
    query(path, "CREATE TABLE copied AS SELECT * FROM transitions")
    query(path, "DROP TABLE transitions")
    query(path, "ALTER TABLE copied RENAME TO transitions")
    query(path, MOVE, "x", "b.txt", 1, "start_upload", "untracked", "uploading")
    query(path, MOVE, "x", "b.txt", 2, "complete_upload", "uploading", "processing")
    query(path, "UPDATE files SET version = 2, gemini_state = 'processing'")
    assert found(path) == [
        ("every_attempt_is_there_once", None, "attempt 'x' is in the journal 2 times")
    ]


async def test_a_hostile_journal_is_reported_and_never_raises(path: Path) -> None:
    """Rows of any type, in any column: each is a finding of one line, none an exception."""
    query(path, "CREATE TABLE files (file_path, gemini_state, version)")
    query(
        path,
        "CREATE TABLE transitions (attempt_id, file_path, version, event, from_state, "
        "to_state, happened_at)",
    )
    for value in (None, 1, 1.5, "text", b"\xff", -(2**63)):
        query(path, "INSERT INTO files VALUES (?, ?, ?)", *[value] * 3)
        for _ in range(2):
            query(path, "INSERT INTO transitions VALUES (?, ?, ?, ?, ?, ?, ?)", *[value] * 7)
    query(path, "UPDATE files SET version = 7 WHERE file_path = 'text'")
    names = {name for name, _, _ in found(path)}
    assert names == {check.__name__ for check in INVARIANTS} - {"pages_are_sound"}
    keys = {key for _, key, _ in found(path)}
    assert {None, "text"} | {repr(each) for each in (None, 1, 1.5, b"\xff", -(2**63))} == keys


async def test_a_lifecycle_of_your_own_is_judged_by_itself(path: Path) -> None:
    """The same file is sound under the lifecycle that wrote it and not under another."""
    own = Lifecycle(
        states=("on", "off"),
        initial="on",
        finals=frozenset({"off"}),
        edges=(Edge("on", "x", "off"),),
    )
    async with opened(path, lifecycle=own) as manager:
        await manager.transition(KEY, "x")
    assert [] == check(str(path), own)
    names = {violation.invariant for violation in check(str(path), FILE_LIFECYCLE)}
    assert {"every_state_is_known", "every_edge_taken_is_legal"} == names


def test_a_violation_is_one_line() -> None:
    """What stands in a message is printable and short, whatever the key holds."""
    shown = str(Violation(invariant="name", file_path="a\nb" * 100, found="found"))
    assert 1 == len(shown.splitlines())
    assert "name: database: found" == str(
        Violation(invariant="name", file_path=None, found="found")
    )


async def test_a_forged_adoption_is_an_illegal_edge(path: Path) -> None:
    """Only a file's first entry may say where it stood, and standing is no move."""
    await written(path)
    query(
        path,
        MOVE.replace("?", "{}").format(
            *map(repr, ("x", KEY, 3, "(adopted)", "processing", "indexed"))
        ),
    )
    query(path, "UPDATE files SET gemini_state = 'indexed', version = 3 WHERE version = 2")
    illegal = "version 3: 'processing' --'(adopted)'--> 'indexed'"
    assert [("every_edge_taken_is_legal", KEY, illegal)] == found(path)
