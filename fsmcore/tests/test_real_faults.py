"""What SQLite and the file system really do when they fail, and what the caller is told."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

import fsmcore
from fsmcore import (
    Fate,
    MachineFactory,
    Outcome,
    PerTransition,
    RetryPolicy,
    SchemaMismatchError,
    Store,
    StoreBusyError,
    StoreCorruptError,
    StoreUnavailableError,
)
from fsmcore.adopt import abandon, adopt
from fsmcore.check import check
from fsmcore.tests.support import (
    KEY,
    Connections,
    can_be_written,
    held_write_lock,
    journal_count,
    opened,
    query,
    records,
    state,
)


def counted_sleep(waits: list[float], lock: sqlite3.Connection | None, release_at: int) -> object:
    """Return a sleep that only counts, and lets the lock go after ``release_at`` waits."""

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        if lock is not None and len(waits) == release_at:
            lock.rollback()

    return sleep


@pytest.mark.parametrize("fair_writer_lock", [True, False])
async def test_a_writer_that_does_not_let_go_is_named_after_bounded_tries(
    path: Path, machine: MachineFactory, fair_writer_lock: bool
) -> None:
    """BUSY is tried again as often as the policy says, then told; the row stays."""
    waits: list[float] = []
    told: list[tuple[str, int, float]] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    retry = RetryPolicy(
        max_tries=4,
        base_ms=10,
        cap_ms=30,
        jitter=lambda _low, high: high,
        sleep=sleep,
        on_retry=lambda error, tries, ms: told.append((type(error).__name__, tries, ms)),
    )
    connections = PerTransition(fair_writer_lock=fair_writer_lock)
    async with opened(path, machine=machine, retry=retry, connections=connections) as manager:
        with held_write_lock(path), pytest.raises(StoreBusyError) as caught:
            await manager.transition(KEY, "start_upload")
        (record,) = records(manager)
        assert Outcome.BUSY is record.outcome
        assert can_be_written(path)
    assert ["Gave up after 4 tries."] == caught.value.__notes__
    assert [0.01, 0.02, 0.03] == waits
    expected = [("StoreBusyError", tries, ms) for tries, ms in ((1, 10), (2, 20), (3, 30))]
    assert expected == told
    assert ("untracked", 0) == state(path)


async def test_a_writer_that_lets_go_is_waited_for(path: Path, machine: MachineFactory) -> None:
    """Released during the second wait, the lock is got at the third try."""
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 2:
            lock.rollback()

    async with opened(path, machine=machine, retry=RetryPolicy(sleep=sleep)) as manager:
        with held_write_lock(path) as lock:
            result = await manager.transition(KEY, "start_upload")
    assert (3, 2) == (result.tries, len(waits))
    assert ("uploading", 1) == state(path)


async def test_a_row_that_moved_is_read_again_and_decided_again(
    path: Path, machine: MachineFactory
) -> None:
    """An outside writer moves the row under the first try; the second decides on the new state."""
    asked: list[str] = []

    def overtake(row: fsmcore.FileRow, edge: object) -> bool:
        asked.append(row.state)
        if row.version == 0:
            query(path, "UPDATE files SET gemini_state = 'uploading', version = 7")
        return True

    retry = RetryPolicy(base_ms=0, cap_ms=0)
    guards = {"start_upload": overtake, "fail_upload": overtake}
    async with opened(path, machine=machine, retry=retry, guards=guards) as manager:
        with pytest.raises(fsmcore.TransitionNotAllowedError) as caught:
            await manager.transition(KEY, "start_upload")
    assert ["untracked"] == asked
    assert "uploading" == caught.value.state
    assert ("uploading", 7) == state(path)


async def test_a_full_database_is_definite(
    path: Path, machine: MachineFactory, native: Connections
) -> None:
    """SQLITE_FULL before COMMIT: nothing was written, and the message says what to do."""
    async with opened(path, machine=machine) as manager:
        ((pages,),) = query(path, "PRAGMA page_count")
        with native.prepared(lambda c: c.execute(f"PRAGMA max_page_count={pages}").close()):
            with pytest.raises(StoreUnavailableError, match="SQLITE_FULL") as caught:
                await manager.transition(
                    KEY, "start_upload", last_error="x" * 100_000, attempt_id="mine"
                )
        assert "Nothing was written. The disk or the page limit is full" in str(caught.value)
        assert ("untracked", 0) == state(path)
        assert Fate.NOT_COMMITTED is (await manager.store.outcome_of("mine")).fate
        await manager.transition(KEY, "start_upload")


async def test_a_read_only_connection_is_definite(
    path: Path, machine: MachineFactory, native: Connections
) -> None:
    """SQLITE_READONLY: nothing was written."""
    async with opened(path, machine=machine) as manager:
        with native.prepared(lambda c: c.execute("PRAGMA query_only=1").close()):
            with pytest.raises(StoreUnavailableError, match="SQLITE_READONLY") as caught:
                await manager.transition(KEY, "start_upload")
    assert "read-only; make both writable" in str(caught.value)
    assert ("untracked", 0) == state(path)


FULL_DISK = """
import asyncio, resource, signal, sys
from fsmcore import *
from fsmcore.tests.support import KEY

async def main(path):
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    async with Store(path) as store:
        manager = FileTransitionManager(store)
        await manager.transition(KEY, "start_upload", attempt_id="first")
        import os
        limit = os.stat(path + "-wal").st_size + int(sys.argv[2])
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        try:
            await manager.transition(KEY, "complete_upload", attempt_id="second")
        except FsmCoreError as error:
            print(type(error).__name__, error.outcome_unknown, "SQLITE_IOERR_WRITE" in str(error))
        print((await store.outcome_of("second")).fate.name)
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
        await manager.transition(KEY, "fail_upload", attempt_id="third")
        print((await store.outcome_of("second")).fate.name)

asyncio.run(main(sys.argv[1]))
"""


def run_python(text: str, *arguments: str, timeout_s: float = 60) -> list[str]:
    """Run a program in a process of its own; return its lines."""
    done = subprocess.run(
        [sys.executable, "-c", text, *arguments],
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
        env={**os.environ, "PYTHONPATH": str(Path(fsmcore.__file__).parent.parent)},
    )
    assert 0 == done.returncode, done.stderr
    return done.stdout.splitlines()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no RLIMIT_FSIZE")
@pytest.mark.parametrize("room_bytes", [0, 4096])
def test_a_disk_that_fails_at_the_commit_is_unknown(path: Path, room_bytes: int) -> None:
    """IOERR_WRITE into the WAL comes at COMMIT: unknown, until a later commit has settled it."""

    async def make() -> None:
        async with opened(path):
            pass

    asyncio.run(make())
    expected = ["OutcomeUnknownError True True", "UNKNOWN", "NOT_COMMITTED"]
    assert expected == run_python(FULL_DISK, str(path), str(room_bytes))
    assert ("failed", 2) == state(path)


async def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    """SQLite's *unable to open database file* is no help; the folder is what is missing."""
    for create in (True, False):
        store = Store(tmp_path / "none" / "files.db", create=create)
        with pytest.raises(StoreUnavailableError, match=r"files\.db: its folder does not exist"):
            await store.open()
    assert [] == list(tmp_path.iterdir())


async def test_a_folder_is_no_database(tmp_path: Path) -> None:
    """A path that is a folder is named as one."""
    with pytest.raises(StoreUnavailableError, match="is a folder, not a database file"):
        await Store(tmp_path, create=True).open()


async def test_a_missing_file_is_not_made_unasked(path: Path) -> None:
    """Without create=True a missing file is an error, and stays missing."""
    with pytest.raises(StoreUnavailableError, match=r"does not exist\. Open it with create=True"):
        await Store(path).open()
    assert not path.exists()


@pytest.mark.parametrize("name", ["", "a\0b", "\ud800"])
async def test_a_path_that_no_file_can_have_is_refused(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An empty name, a NUL (SQLite would cut the name there) and a lone surrogate are refused."""
    monkeypatch.chdir(tmp_path)
    for create in (True, False):
        with pytest.raises(StoreUnavailableError):
            await Store(name, create=create).open()
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["a b.db", "a?b#c%41.db", "é'\"\n.db", ":memory:", "a;b&c=d.db"])
async def test_a_name_of_a_file_is_only_data(tmp_path: Path, name: str) -> None:
    """No character of a file name means anything to SQLite's URI, nor to the commands."""
    async with opened(tmp_path / name) as manager:
        await manager.transition(KEY, "start_upload")
    assert ("uploading", 1) == state(tmp_path / name)
    abandon(str(tmp_path / name))
    assert 1 == adopt(str(tmp_path / name))
    assert [] == check(str(tmp_path / name))
    assert [name] == [found.name for found in tmp_path.iterdir()]


@pytest.mark.parametrize("content", [b"not a database, for sure" * 100, b"SQLite format 3\0" * 64])
async def test_a_file_that_is_no_database_is_left_alone(path: Path, content: bytes) -> None:
    """NOTADB: an error of its own, and the file keeps its bytes."""
    path.write_bytes(content)
    for create in (True, False):
        with pytest.raises(StoreCorruptError, match=r"files\.db: not a database, or damaged"):
            await Store(path, create=create).open()
    assert content == path.read_bytes()


async def test_a_damaged_page_is_told(path: Path, machine: MachineFactory) -> None:
    """CORRUPT: page 2 overwritten; the read says so, and nothing is written over it."""
    async with opened(path):
        pass
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * 4096)
    damaged = path.read_bytes()
    with pytest.raises(StoreCorruptError, match="SQLITE_CORRUPT"):
        async with Store(path) as store:
            await fsmcore.FileTransitionManager(store, machine=machine).transition(
                KEY, "start_upload"
            )
    assert damaged[4096:] == path.read_bytes()[4096:]


async def test_a_file_deleted_under_a_store_is_told(path: Path, machine: MachineFactory) -> None:
    """A database that went away while open is missing, and is not made anew."""
    async with opened(path, machine=machine) as manager:
        path.unlink()
        with pytest.raises(StoreUnavailableError, match="SQLITE_CANTOPEN"):
            await manager.transition(KEY, "start_upload")
        assert not path.exists()


@pytest.mark.parametrize(
    ("statements", "words"),
    [
        ("PRAGMA user_version=8", "its user_version is 8, this schema's is 9"),
        ("ALTER TABLE files RENAME COLUMN version TO v", "table 'files' lacks version"),
        ("ALTER TABLE files DROP COLUMN last_error", "table 'files' lacks last_error"),
        ("ALTER TABLE files RENAME TO things", "table 'files' lacks file_path"),
        ("DROP TABLE transitions", "it has no journal 'transitions'. Add it with"),
        ("ALTER TABLE transitions DROP COLUMN event", "table 'transitions' lacks event"),
    ],
)
async def test_another_layout_is_named_and_left_alone(
    path: Path, statements: str, words: str
) -> None:
    """A database of another version or with other columns is refused, and not changed."""
    async with opened(path):
        pass
    query(path, "PRAGMA journal_mode=DELETE")
    query(path, statements)
    before = path.read_bytes()
    for create in (True, False):
        with pytest.raises(SchemaMismatchError) as caught:
            await Store(path, create=create).open()
        assert words in str(caught.value)
    assert before == path.read_bytes()


async def test_a_foreign_database_keeps_its_journal_mode(path: Path) -> None:
    """Somebody else's database is refused before WAL mode would be written into it."""
    query(path, "CREATE TABLE theirs (x)")
    before = path.read_bytes()
    with pytest.raises(SchemaMismatchError, match="its user_version is 0, this schema's is 9"):
        await Store(path, create=True).open()
    assert before == path.read_bytes()
    assert ["files.db"] == [found.name for found in path.parent.iterdir()]


async def test_an_empty_file_may_become_a_store(path: Path) -> None:
    """A file of no bytes is a new database, if asked for."""
    path.touch()
    with pytest.raises(SchemaMismatchError):
        await Store(path).open()
    async with opened(path) as manager:
        await manager.transition(KEY, "start_upload")
    assert 1 == journal_count(path)


async def test_two_stores_may_be_made_at_once(path: Path) -> None:
    """Creating is a race like any other: everybody opens what one of them made."""
    stores = [Store(path, create=True) for _ in range(6)]
    await asyncio.gather(*(store.open() for store in stores))
    await stores[0].track(KEY, "untracked")
    assert [0] * 6 == [(await store.read(KEY)).version for store in stores]
    for store in stores:
        await store.close()


async def test_a_writer_with_an_exclusive_lock_keeps_a_store_from_opening(path: Path) -> None:
    """A database in EXCLUSIVE locking mode is busy, and says so."""
    async with opened(path):
        pass
    retry = RetryPolicy(max_tries=2, base_ms=0, cap_ms=0)
    with sqlite3.connect(path, isolation_level=None) as hog:
        hog.execute("PRAGMA locking_mode=EXCLUSIVE")
        hog.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreBusyError):
            await Store(path, retry=retry).open()
    hog.close()


async def test_a_new_store_has_a_keeper_like_any_other(path: Path) -> None:
    """Between transitions the WAL stays, in the store that made the file too.

    Else every transition would checkpoint, sync and unlink it, being the last to close.
    """
    for create in (True, False):
        async with Store(path, create=create) as store:
            if create:
                await store.track(KEY, "untracked")
            await store.read(KEY)
            assert Path(f"{path}-wal").exists()
        assert not Path(f"{path}-wal").exists()


async def test_a_transition_is_these_statements(path: Path, native: Connections) -> None:
    """Three that prepare its connection, and one IMMEDIATE transaction of two writes."""
    seen: list[str] = []

    def trace(connection: sqlite3.Connection) -> None:
        connection.set_trace_callback(lambda text: seen.append(" ".join(text.split()[:3])))

    async with opened(path) as manager:
        with native.prepared(trace):
            await manager.transition(KEY, "start_upload")
    assert [text for text in seen if not text.startswith("--")] == [
        "PRAGMA synchronous=FULL",
        "PRAGMA synchronous",
        "PRAGMA journal_mode",
        "BEGIN IMMEDIATE",
        'UPDATE "files" SET',
        'INSERT INTO "transitions"',
        "COMMIT",
    ]


async def test_a_failed_writer_leaves_its_turn_clean(path: Path, native: Connections) -> None:
    """With the fair lock nobody of this process meets BUSY, not even behind a failed writer."""
    names = tuple(f"{number}.txt" for number in range(30))
    once = RetryPolicy(max_tries=1)

    def every_second_fails(connection: sqlite3.Connection) -> None:
        if len(native.opened) % 2:
            denied = (sqlite3.SQLITE_INSERT, "transitions")
            connection.set_authorizer(lambda action, first, *_: int((action, first) == denied))

    async with opened(path, files=names) as manager:
        manager._retry = once
        with native.prepared(every_second_fails):
            answers = await asyncio.gather(
                *(manager.transition(name, "start_upload") for name in names),
                return_exceptions=True,
            )
    kinds = {type(answer).__name__ for answer in answers}
    assert {"TransitionResult", "StoreUnavailableError"} == kinds


async def test_a_state_changed_behind_the_version_is_stale(path: Path) -> None:
    """Somebody set the state by hand and forgot the version: the row is not what was read."""

    def meddle(row: fsmcore.FileRow, edge: object) -> bool:
        query(path, "UPDATE files SET gemini_state = 'failed'")
        return True

    async with opened(path, guards={"start_upload": meddle}) as manager:
        with pytest.raises(fsmcore.StaleTransitionError, match="found 'failed' at version 0"):
            await manager.transition(KEY, "start_upload", expected_version=0)
    assert ("failed", 0) == state(path)


@pytest.mark.parametrize(
    ("create", "model"),
    [(True, "per-transition"), (False, "per-transition"), (False, "pooled")],
)
async def test_a_store_that_is_denied_anything_is_unavailable(
    path: Path, native: Connections, create: bool, model: str
) -> None:
    """Each action is denied, the first, the second, … until none is: none is taken for a layout.

    On whichever connection: the error names the store, and nothing is left open.
    """
    seen, nth, raised = 0, 0, set()

    def asked(*_: object) -> int:
        nonlocal seen
        seen += 1
        return sqlite3.SQLITE_DENY if seen == nth else sqlite3.SQLITE_OK

    while seen >= nth:
        seen, nth = 0, nth + 1
        path.unlink(missing_ok=True)
        if not create:
            async with Store(path, create=True):
                pass
        with native.prepared(lambda connection: connection.set_authorizer(asked)):
            try:
                async with Store(path, create=create, connections=model):
                    pass
            except fsmcore.FsmCoreError as error:
                raised.add((type(error).__name__, str(error).partition(": ")[0]))
        assert 0 == native.open_count
    assert {("StoreUnavailableError", "files.db")} == raised
    assert nth > 20
