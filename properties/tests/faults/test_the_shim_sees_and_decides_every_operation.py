"""What SQLite asks of the file system is seen, failed, shortened, pretended; nothing else is."""

import asyncio
import contextlib
import os
import sqlite3
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path

import aiosqlite
import pytest

from properties.faults import sqlite_abi
from properties.faults.operations import Fail, Kind, Operation, Pretend, Result, Role, Shorten
from properties.faults.sqlite_abi import VfsUnsupportedError
from properties.faults.vfs import CHANGES, Shim, ShimBrokenError
from properties.scratch import scratch_folder

ROOT = Path(__file__).resolve().parents[3]
IOERR, FULL, IOERR_READ, IOERR_WRITE, IOERR_FSYNC = 10, 13, 266, 778, 1034


@pytest.fixture
def folder() -> Iterator[str]:
    """A private folder with a space and a quote in its name."""
    with scratch_folder() as path:
        yield path


def connected(folder: str, *, timeout: float = 0) -> contextlib.closing[sqlite3.Connection]:
    """A connection to a WAL database with one table."""
    db = sqlite3.connect(os.path.join(folder, "rows.db"), isolation_level=None, timeout=timeout)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=FULL")
    db.execute("CREATE TABLE IF NOT EXISTS t (x)")
    return contextlib.closing(db)


def code_of(db: sqlite3.Connection, sql: str) -> int:
    """Return the extended code with which the statement fails, 0 when it does not."""
    try:
        db.execute(sql).fetchall()
    except sqlite3.Error as error:
        return error.sqlite_errorcode
    return 0


def rows(folder: str) -> list[int]:
    """Return what an unhooked connection reads."""
    with contextlib.closing(sqlite3.connect(os.path.join(folder, "rows.db"))) as db:
        return [x for (x,) in db.execute("SELECT x FROM t")]


def test_a_commit_is_a_header_a_page_and_a_sync(folder: str) -> None:
    """A commit on a kept connection, operation by operation, with what was written."""
    seen: list[tuple[str, str, int]] = []

    def observe(op: Operation, result: Result) -> None:
        content = op.content or b""
        assert op.size == len(content) or op.kind is not Kind.WRITE
        seen.append((op.kind.value, op.role.value, op.size))
        assert (0, True) == (result.code, result.done)

    with Shim(folder, kinds=CHANGES, keeps_content=True) as shim, connected(folder) as db:
        db.execute("INSERT INTO t VALUES (1)")
        shim.observer = observe
        db.execute("INSERT INTO t VALUES (2)")
        shim.observer = None
    assert [("write", "wal", 24), ("write", "wal", 4096), ("sync", "wal", 0)] == seen
    assert [1, 2] == rows(folder)


def test_the_folder_is_synced_once_a_fresh_connection(folder: str) -> None:
    """With FULL a fresh connection's first commit costs two fsyncs, each later one costs one."""
    with connected(folder) as keeper, Shim(folder) as shim:
        keeper.execute("SELECT * FROM t").fetchall()
        found = []
        for _ in range(2):
            with connected(folder) as db:
                for _ in range(2):
                    db.execute("INSERT INTO t VALUES (1)")
                    found.append((shim.counts[Kind.SYNC, Role.WAL], shim.folder_sync_count))
    assert [(1, 1), (2, 1), (3, 2), (4, 2)] == found


@pytest.mark.parametrize(
    ("kind", "role", "statement", "code"),
    [
        (Kind.WRITE, Role.WAL, "INSERT INTO t VALUES (1)", IOERR_WRITE),
        (Kind.SYNC, Role.WAL, "INSERT INTO t VALUES (1)", IOERR_FSYNC),
        (Kind.READ, Role.WAL, "SELECT count(*) FROM t", IOERR_READ),
        (Kind.READ, Role.DATABASE, "SELECT count(*) FROM u", IOERR_READ),
        (Kind.SHM_LOCK, Role.SHM, "SELECT count(*) FROM t", 5130),
        (Kind.SHM_MAP, Role.SHM, "SELECT count(*) FROM t", 5386),
        (Kind.LOCK, Role.DATABASE, "SELECT count(*) FROM t", 3850),
        (Kind.FILE_SIZE, Role.DATABASE, "SELECT count(*) FROM t", 1802),
        (Kind.ACCESS, Role.WAL, "SELECT count(*) FROM t", 3338),
        (Kind.TRUNCATE, Role.WAL, "PRAGMA wal_checkpoint(TRUNCATE)", 1546),
    ],
)
def test_each_kind_can_be_failed(
    folder: str, kind: Kind, role: Role, statement: str, code: int
) -> None:
    """SQLite hears the code, passes it on, and works again when the fault is gone."""
    with connected(folder) as keeper:
        keeper.execute("CREATE TABLE u (x)")
        keeper.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        keeper.execute("INSERT INTO t VALUES (0)")  # so t is read from the WAL, u is not
        with Shim(folder) as shim, connected_late(folder) as db:
            shim.plan = lambda op: code if (op.kind, op.role) == (kind, role) else None
            failed = code_of(db, statement)
            shim.plan = None
            assert (code, 0) == (failed, code_of(db, statement))


def connected_late(folder: str) -> contextlib.closing[sqlite3.Connection]:
    """A connection that has not touched the file yet, so that its first statement opens it all."""
    path = os.path.join(folder, "rows.db")
    return contextlib.closing(sqlite3.connect(path, isolation_level=None, timeout=0))


def test_an_open_or_a_delete_can_be_failed(folder: str) -> None:
    """The names are hooked too; a WAL that cannot be unlinked is no error of SQLite's."""
    with connected(folder), Shim(folder, plan=lambda op: 14 if op.kind is Kind.OPEN else None):
        with pytest.raises(sqlite3.OperationalError, match="unable to open"):
            sqlite3.connect(os.path.join(folder, "rows.db"))
    with Shim(folder, plan=lambda op: 2570 if op.kind is Kind.DELETE else None) as shim:
        with connected(folder):
            pass
        assert 0 == shim.counts[Kind.DELETE, Role.WAL]
        assert {"rows.db", "rows.db-wal", "rows.db-shm"} >= set(os.listdir(folder))
        assert {} == shim.open_files


def test_a_sync_can_be_done_and_still_fail_or_not_be_done_and_succeed(folder: str) -> None:
    """The two lies of a disk: neither shows in the rows that are read now."""
    done = []

    def observe(op: Operation, result: Result) -> None:
        if (op.kind, op.role) == (Kind.SYNC, Role.WAL):
            done.append((result.code, result.done))

    with Shim(folder) as shim, connected(folder) as db:
        shim.observer = observe
        for decision in (Fail(IOERR_FSYNC, done=True), Fail(IOERR_FSYNC), Pretend()):
            shim.plan = lambda op, what=decision: what if op.kind is Kind.SYNC else None
            code_of(db, "INSERT INTO t VALUES (1)")
        shim.plan = shim.observer = None
    assert [(IOERR_FSYNC, True), (IOERR_FSYNC, False), (0, False)] == done
    assert [1] == rows(folder)


def test_a_write_or_a_read_can_be_shortened(folder: str) -> None:
    """A torn frame is an error now and no frame later; a short page is seen as damage or error."""
    with Shim(folder) as shim, connected(folder) as db:
        db.execute("INSERT INTO t VALUES (1)")

        def tear(op: Operation) -> Shorten | None:
            return Shorten(512, FULL) if op.kind is Kind.WRITE and op.size == 4096 else None

        shim.plan = tear
        assert FULL == code_of(db, "INSERT INTO t VALUES (2)")
        shim.plan = None
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        with connected_late(folder) as other:
            shim.plan = lambda op: Shorten(8) if op.kind is Kind.READ and op.size > 8 else None
            assert code_of(other, "SELECT * FROM t") in (sqlite3.SQLITE_NOTADB, 11, 522)
            shim.plan = None
    assert [1] == rows(folder)


def test_the_busy_timeout_takes_no_time(folder: str) -> None:
    """Five seconds of waiting are 59 sleeps, which add up and do not happen."""
    slept_us: list[int] = []

    def observe(op: Operation, result: Result) -> None:
        if op.kind is Kind.SLEEP:
            assert not result.done  # the thread did not sleep
            slept_us.append(op.size)

    with Shim(folder, virtual_sleep=True, observer=observe), connected(folder) as holder:
        with connected_late(folder) as waiter:
            waiter.execute("PRAGMA busy_timeout=5000")
            holder.execute("BEGIN IMMEDIATE")
            assert sqlite3.SQLITE_BUSY == code_of(waiter, "BEGIN IMMEDIATE")
    assert (59, 5_000_000) == (len(slept_us), sum(slept_us))


def test_only_the_folder_is_hooked_and_only_inside_the_block(folder: str) -> None:
    """Neither another folder, nor a temporary file, nor what is done after the end."""
    with scratch_folder() as elsewhere:
        with Shim(folder, plan=lambda op: IOERR) as shim, connected(elsewhere) as other:
            assert 0 == code_of(other, "INSERT INTO t VALUES (1)")
            assert 0 == shim.operation_count
        with Shim(folder) as shim, connected(folder) as left_open:
            seen = shim.operation_count
            shim.__exit__(None, None, None)
            shim.plan = lambda op: IOERR
            assert 0 == code_of(left_open, "INSERT INTO t VALUES (1)")
            assert seen == shim.operation_count
    assert [1] == rows(folder)


def test_two_folders_have_their_own_shims_and_one_has_one(folder: str) -> None:
    """Side by side; a second shim on the same folder is refused."""
    with scratch_folder() as other, Shim(folder) as first, Shim(other) as second:
        with connected(other):
            assert (0, 1) == (first.open_connections, second.open_connections)
        with pytest.raises(ValueError, match="has a shim already"), Shim(folder):
            pass


@pytest.mark.parametrize("where", ["plan", "observer"])
def test_an_error_of_the_harness_is_never_a_pass(folder: str, where: str) -> None:
    """SQLite hears IOERR, whoever swallows that; the block ends with an error of its own."""

    def slip(*_arguments: object) -> None:
        raise NameError("a slip")

    def commit() -> None:
        with Shim(folder) as shim, connected(folder) as db:
            setattr(shim, where, slip)
            assert IOERR == code_of(db, "INSERT INTO t VALUES (1)") & 0xFF
            setattr(shim, where, None)

    with pytest.raises(ShimBrokenError, match="NameError: a slip"):
        commit()


def test_what_cannot_be_pretended_is_an_error_of_the_harness(folder: str) -> None:
    """SQLite would follow a pointer that nobody set."""

    def connect() -> None:
        with Shim(folder, plan=lambda op: Pretend() if op.kind is Kind.OPEN else None):
            with contextlib.suppress(sqlite3.Error):
                connected(folder)

    with pytest.raises(ShimBrokenError, match="cannot be pretended"):
        connect()


def test_ctrl_c_inside_a_plan_stays_ctrl_c(folder: str) -> None:
    """It arrives at the end of the block, not in SQLite."""

    def interrupted(_op: Operation) -> None:
        raise KeyboardInterrupt

    def commit() -> None:
        with Shim(folder) as shim, connected(folder) as db:
            shim.plan = interrupted
            code_of(db, "INSERT INTO t VALUES (1)")
            shim.plan = None

    with pytest.raises(KeyboardInterrupt):
        commit()


def test_threads_are_counted_exactly(folder: str) -> None:
    """Eight aiosqlite workers and eight threads: nothing is lost, nothing stays open."""
    numbers: list[int] = []

    async def work() -> None:
        async def one() -> None:
            async with aiosqlite.connect(os.path.join(folder, "rows.db"), timeout=30) as db:
                await db.execute("SELECT * FROM t")

        await asyncio.gather(*(one() for _ in range(8)))

    def loop() -> None:
        with connected_late(folder) as db:
            db.execute("PRAGMA busy_timeout=30000")
            db.execute("INSERT INTO t VALUES (1)")

    with Shim(folder, observer=lambda op, _result: numbers.append(op.index)) as shim:
        with connected(folder):
            threads = [threading.Thread(target=loop) for _ in range(8)]
            for thread in threads:
                thread.start()
            asyncio.run(work())
            for thread in threads:
                thread.join()
        assert (17, {}) == (shim.counts[Kind.OPEN, Role.DATABASE], shim.open_files)
    assert sorted(numbers) == list(range(1, shim.operation_count + 1))
    assert [1] * 8 == rows(folder)


def test_a_connection_left_open_does_not_crash_the_exit(folder: str) -> None:
    """Its file gets its own methods back before the interpreter is gone."""
    code = f"""
        import sqlite3
        from properties.faults.vfs import Shim
        shim = Shim({folder!r}); shim.__enter__()
        db = sqlite3.connect({folder!r} + "/rows.db")
        db.execute("CREATE TABLE t (x)")
        import builtins; builtins.kept = (db, shim)
    """
    ended = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], cwd=ROOT, capture_output=True, check=False
    )
    assert (0, b"") == (ended.returncode, ended.stderr)


def test_a_host_where_it_cannot_work_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong guess about the layout is a sentence, never a wild pointer."""
    with monkeypatch.context() as patch:
        patch.setattr(sqlite_abi, "MAPS", "/proc/self/no such file")
        with pytest.raises(VfsUnsupportedError, match="no pointer can be checked"):
            sqlite_abi.default_vfs()
    with monkeypatch.context() as patch:
        patch.setattr(sqlite_abi, "HEADER_SIZE", sqlite_abi.HEADER_SIZE + 8)
        with pytest.raises(VfsUnsupportedError):
            sqlite_abi.default_vfs()
