"""An existing V9 database gets its journal in one step, and loses it in one."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import pytest

from fsmcore import (
    FileTransitionManager,
    MachineFactory,
    Schema,
    SchemaMismatchError,
    Store,
    StoreBusyError,
    StoreCorruptError,
    StoreUnavailableError,
)
from fsmcore.adopt import abandon, adopt, main
from fsmcore.check import check
from fsmcore.tests.support import KEY, held_write_lock, opened, query

V9 = """
CREATE TABLE files (
    file_path TEXT PRIMARY KEY, gemini_state TEXT, gemini_state_updated_at TEXT,
    version INTEGER DEFAULT 0, last_error TEXT, failure_info TEXT
);
CREATE TABLE others (x);
INSERT INTO others VALUES ('theirs');
PRAGMA user_version=9;
"""


def legacy(path: Path, *rows: tuple[object, object, object]) -> None:
    """Make a V9 database as it was before there was a journal."""
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.executescript(V9)
        db.executemany(
            "INSERT INTO files (file_path, gemini_state, version) VALUES (?, ?, ?)", rows
        )
        db.commit()


def dump(path: Path) -> list[str]:
    """Return the whole database as SQL."""
    with contextlib.closing(sqlite3.connect(path)) as db:
        return list(db.iterdump())


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """Run the command; return its exit code and its output."""
    code = main(arguments)
    return code, capsys.readouterr().out.strip()


async def test_an_adopted_database_goes_on_where_it_stood(
    path: Path, machine: MachineFactory
) -> None:
    """The files keep their states and versions, the audit is clean, and transitions continue."""
    legacy(path, (KEY, "uploading", 1), ("b.txt", "untracked", 0), ("c\0.txt", "indexed", 3))
    assert 2 == adopt(str(path))
    assert [] == check(str(path))
    async with Store(path) as store:
        manager = FileTransitionManager(store, machine=machine)
        await manager.transition(KEY, "complete_upload")
        await manager.transition("b.txt", "start_upload")
        journal = [(e.file_path, e.version, e.event) for e in await store.journal()]
    assert journal == [
        ("b.txt", 1, "start_upload"),
        ("c\0.txt", 3, "(adopted)"),
        (KEY, 1, "(adopted)"),
        (KEY, 2, "complete_upload"),
    ]
    assert [] == check(str(path))


async def test_a_v9_database_is_refused_before_it_is_adopted(path: Path) -> None:
    """Opening does not change a database behind its owner's back; it names the command."""
    legacy(path)
    with pytest.raises(SchemaMismatchError, match=r"Add it with 'python -m fsmcore\.adopt FILE'"):
        await Store(path).open()
    async with Store(path, schema=Schema(journal_table=None)) as store:
        await store.track(KEY, "untracked")


def test_adopting_can_be_undone(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """After the reverse every table is what it was, and it can be done again."""
    legacy(path, (KEY, "uploading", 1), ("b.txt", "untracked", 0))
    before = dump(path)
    for _ in range(2):
        assert run(capsys, str(path)) == (
            0,
            "adopt: pass: the journal is added; 1 files stood past version 0",
        )
        assert before != dump(path)
        assert run(capsys, str(path), "--undo") == (
            0,
            "adopt: pass: the journal is dropped; the files are as they were",
        )
        assert before == dump(path)


def test_the_files_are_byte_for_byte_what_they_were(path: Path) -> None:
    """Adopting writes the journal only: every row of every other table is untouched."""
    rows = (("a", "lost in space", 7), ("b", None, None), ("c", b"\xff", 2), ("d", "", -1))
    legacy(path, *rows)
    before = query(path, "SELECT rowid, * FROM files ORDER BY rowid")
    with pytest.raises(SchemaMismatchError):
        adopt(str(path))  # a state that is no text cannot be journalled
    query(path, "DELETE FROM files WHERE file_path = 'c'")
    adopt(str(path))
    assert [row for row in before if row[1] != "c"] == query(
        path, "SELECT rowid, * FROM files ORDER BY rowid"
    )
    assert [("theirs",)] == query(path, "SELECT x FROM others")


@pytest.mark.parametrize(
    "row",
    [("a", None, 1), (None, "uploading", 1), ("a", "uploading", "many"), ("a", b"\xff", 1)],
    ids=["no state", "no key", "no number", "no text"],
)
def test_a_row_that_cannot_be_journalled_is_named_and_nothing_is_done(
    path: Path, row: tuple[object, object, object], capsys: pytest.CaptureFixture[str]
) -> None:
    """All or nothing: one hostile row, and the database stays as it was."""
    legacy(path, ("good.txt", "uploading", 1), row)
    before = dump(path)
    code, line = run(capsys, str(path))
    assert 4 == code
    assert line.startswith("adopt: invalid: files.db: ")
    assert f"the row of key {row[0]!r} is in state {row[1]!r} at version {row[2]!r}" in line
    assert before == dump(path)


def test_adopting_twice_and_undoing_twice_are_refused(path: Path) -> None:
    """What is there is not added, what is not there is not dropped."""
    legacy(path, (KEY, "uploading", 1))
    adopt(str(path))
    before = dump(path)
    with pytest.raises(SchemaMismatchError, match="there is a table 'transitions' already"):
        adopt(str(path))
    assert before == dump(path)
    abandon(str(path))
    with pytest.raises(SchemaMismatchError, match="it has no journal 'transitions'"):
        abandon(str(path))


def test_a_table_or_view_in_the_way_is_not_touched(path: Path) -> None:
    """A table of that name that is no journal is neither taken for one nor dropped."""
    legacy(path)
    query(path, "CREATE TABLE transitions (theirs)")
    before = dump(path)
    for step in (adopt, abandon):
        with pytest.raises(SchemaMismatchError):
            step(str(path))
    assert before == dump(path)


async def test_a_live_database_can_be_adopted(path: Path) -> None:
    """A store without a journal may be open meanwhile; only a write in progress is waited for."""
    legacy(path)
    async with Store(path, schema=Schema(journal_table=None)) as store:
        await store.track(KEY, "untracked")
        adopt(str(path))
    assert [] == check(str(path))


def test_a_locked_database_is_busy(
    path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A writer that does not let go is named, and nothing is done."""
    legacy(path)
    monkeypatch.setattr("fsmcore.adopt._BUSY_TIMEOUT_S", 0.0)
    with held_write_lock(path):
        with pytest.raises(StoreBusyError):
            adopt(str(path))
        code, line = run(capsys, str(path))
    assert 4 == code
    assert "SQLITE_BUSY" in line


def test_what_is_no_v9_database_is_refused(path: Path) -> None:
    """Missing, a folder, foreign, not SQLite, without a journal by definition."""
    with pytest.raises(StoreUnavailableError, match="no such file"):
        adopt(str(path))
    with pytest.raises(StoreUnavailableError, match=f"^{path.parent}: is a folder; name"):
        adopt(str(path.parent))
    with pytest.raises(StoreUnavailableError, match=r"^/dev/null: is a device"):
        adopt("/dev/null")
    with pytest.raises(SchemaMismatchError, match="this schema has no journal"):
        adopt(str(path), Schema(journal_table=None))
    query(path, "CREATE TABLE theirs (x)")
    with pytest.raises(SchemaMismatchError, match="user_version is 0"):
        adopt(str(path))
    path.write_bytes(b"no database" * 1000)
    with pytest.raises(StoreCorruptError):
        adopt(str(path))


async def test_a_journal_with_history_can_be_dropped_and_adopted_anew(path: Path) -> None:
    """Undoing loses what the journal knew; adopting again starts where the files stand."""
    async with opened(path) as manager:
        await manager.transition(KEY, "start_upload")
    abandon(str(path))
    assert 1 == adopt(str(path))
    assert [("(adopted)", 1)] == query(path, "SELECT event, version FROM transitions")
    assert [] == check(str(path))
