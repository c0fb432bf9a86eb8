"""A native connection is prepared before its first use, and never closes inside a transaction."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import pytest

from fsmcore import StoreUnavailableError, Synchronous
from fsmcore.native import Preparation, PreparedConnection
from fsmcore.tests.support import KEY, can_be_written, opened, query


def connect(path: Path, *, requires_wal: bool = True) -> tuple[PreparedConnection, Preparation]:
    """Open ``path``, asking for EXTRA, which is nobody's default."""
    asked = Preparation(
        store_name="files.db", synchronous=Synchronous.EXTRA, requires_wal=requires_wal
    )
    made = sqlite3.connect(  # type: ignore[call-overload]  # hands its arguments on
        path, isolation_level=None, timeout=0, factory=PreparedConnection, preparation=asked
    )
    return made, asked


def test_an_unfinished_read_keeps_no_lock_after_the_close(path: Path) -> None:
    """Closed in the middle of a transaction and of a SELECT, with its cursor still referenced."""
    query(path, "PRAGMA journal_mode=WAL")
    query(path, "CREATE TABLE numbers AS SELECT 1 AS x UNION SELECT 2")
    db, _ = connect(path)
    db.execute("BEGIN IMMEDIATE")
    cursor = db.execute("SELECT x FROM numbers")
    assert (1,) == cursor.fetchone()
    db.close()
    assert can_be_written(path)


def test_a_prepared_connection_is_what_was_asked_for(path: Path) -> None:
    """It waits for the disk as asked, and nothing is wrong with it."""
    query(path, "PRAGMA journal_mode=WAL")
    db, asked = connect(path)
    with contextlib.closing(db):
        assert [(Synchronous.EXTRA.value,)] == db.execute("PRAGMA synchronous").fetchall()
    assert None is asked.take_error()


def test_what_is_wrong_is_told_once(path: Path) -> None:
    """A database without WAL, and one that is none, are refused where they can be closed."""
    query(path, "CREATE TABLE theirs (x)")
    db, asked = connect(path)
    db.close()
    error = asked.take_error()
    assert isinstance(error, StoreUnavailableError)
    assert "files.db: asked for WAL, got journal mode 'delete'." in str(error)
    assert None is asked.take_error()
    path.write_bytes(b"no database" * 100)
    db, asked = connect(path)
    db.close()
    assert isinstance(asked.take_error(), sqlite3.DatabaseError)


async def test_a_file_swapped_under_the_store_is_refused(path: Path) -> None:
    """Another file in the old one's place is no WAL database, and is not written to."""
    async with opened(path) as manager:
        await manager.transition(KEY, "start_upload")
        other = path.with_name("other.db")
        query(other, "CREATE TABLE theirs (x)")
        for suffix in ("-wal", "-shm"):
            path.with_name(path.name + suffix).unlink()
        other.replace(path)
        with pytest.raises(StoreUnavailableError, match="asked for WAL, got journal mode"):
            await manager.transition(KEY, "complete_upload")
