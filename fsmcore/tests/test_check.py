"""``fsmcore.check`` reads any file, live or dead, changes nothing, and is never wrong about it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import fsmcore
from fsmcore import StoreUnavailableError
from fsmcore.check import check, main
from fsmcore.tests.support import KEY, held_write_lock, opened, query

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(fsmcore.__file__).parent.parent)}
WRITER = """
import asyncio, sys
from fsmcore import *
from fsmcore.tests.support import KEY

async def main(path, count, reopen):
    ring = Lifecycle(states=("a", "b"), initial="a", finals=frozenset(),
                     edges=(Edge("a", "next", "b"), Edge("b", "next", "a")))
    for round in range(count):
        async with Store(path, connections=PerTransition(synchronous=Synchronous.NORMAL)) as store:
            manager = FileTransitionManager(store, lifecycle=ring, machine=HandRolledAdapter)
            for _ in range(1 if reopen else count):
                await manager.transition(KEY, "next")
                print("moved", flush=True)
        if not reopen:
            break
    print("done", flush=True)
    sys.stdin.readline()

asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3] == "reopen"))
"""
RING = fsmcore.Lifecycle(
    states=("a", "b"),
    initial="a",
    finals=frozenset(),
    edges=(fsmcore.Edge("a", "next", "b"), fsmcore.Edge("b", "next", "a")),
)


@contextlib.contextmanager
def writer(path: Path, count: int, way: str) -> Iterator[subprocess.Popen[str]]:
    """Run transitions in another process."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), str(count), way],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
    )
    with process:
        try:
            assert process.stdout is not None
            assert "moved\n" == process.stdout.readline()
            yield process
        finally:
            process.kill()


READ = """
import hashlib, json, pathlib, sys
print(json.dumps({f.name: hashlib.sha256(f.read_bytes()).hexdigest()
                  for f in sorted(pathlib.Path(sys.argv[1]).iterdir())}))
"""


def contents(folder: Path) -> dict[str, str]:
    """Return every file and a hash of it; the shared index of a WAL is no data, and lives.

    In a process of its own: to open and close a database in this one would drop its locks.
    """
    arguments = [sys.executable, "-c", READ, str(folder)]
    done = subprocess.run(arguments, capture_output=True, check=True)
    hashes: dict[str, str] = json.loads(done.stdout)
    return {name: "" if name.endswith("-shm") else value for name, value in hashes.items()}


def copied(source: Path, target: Path, suffix: str) -> None:
    """Copy a database and what lies beside it, in a process of its own for the same reason."""
    for end in ("", suffix):
        subprocess.run(["cp", f"{source}{end}", f"{target}{end}"], check=True)  # noqa: S607


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[str]]:
    """Run the command; return its exit code and its lines."""
    code = main(arguments)
    return code, capsys.readouterr().out.splitlines()


async def made(path: Path) -> None:
    """Make a sound database with one transition."""
    async with opened(path, lifecycle=RING) as manager:
        await manager.transition(KEY, "next")


async def test_a_closed_database(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No WAL beside it: sound, and nothing is made, changed or removed."""
    async with opened(path) as manager:
        await manager.transition(KEY, "start_upload")
    before = contents(path.parent)
    assert (0, ["check: pass: 0 violations"]) == printed(capsys, str(path))
    assert before == contents(path.parent)
    assert ["files.db"] == list(before)


async def test_a_live_database(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A store has it open: the WAL is read too, and nothing is changed."""
    async with opened(path) as manager:
        await manager.transition(KEY, "start_upload")
        before = contents(path.parent)
        assert (0, ["check: pass: 0 violations"]) == printed(capsys, str(path))
        with held_write_lock(path):
            assert (0, ["check: pass: 0 violations"]) == printed(capsys, str(path))
        assert before == contents(path.parent)
        assert ["files.db", "files.db-shm", "files.db-wal"] == list(before)
        query(path, "UPDATE files SET version = 7")
        code, lines = printed(capsys, str(path))
        assert (1, "check: fail: 1 violations") == (code, lines[-1])


@pytest.mark.parametrize("left", ["both", "wal", "empty wal"])
async def test_a_crashed_database(path: Path, tmp_path: Path, left: str) -> None:
    """A killed writer leaves its WAL; its transitions are seen, and the WAL stays as it is."""
    await made(path)
    with writer(path, 1000, "once") as process:
        assert process.stdout is not None
        for _ in range(20):
            process.stdout.readline()
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    shm, wal = Path(f"{path}-shm"), Path(f"{path}-wal")
    assert wal.stat().st_size > 0
    if left != "both":
        shm.unlink()
    if left == "empty wal":
        query(path, "PRAGMA wal_checkpoint(TRUNCATE)")
        wal.touch()
    before = contents(path.parent)
    assert [] == check(str(path), RING)
    assert before == contents(path.parent)
    ((version,),) = query(path, "SELECT version FROM files")
    assert version >= 20


@pytest.mark.skipif(sys.platform == "win32", reason="the test restores files that are open")
async def test_a_writer_may_run_for_the_whole_time(path: Path) -> None:
    """While another process makes transitions, no check is ever unsound."""
    await made(path)
    seen = set()
    with writer(path, 150, "once") as process:
        assert process.stdout is not None
        for line in process.stdout:
            seen.add(len(check(str(path), RING)))
            if line == "done\n":
                break
    assert {0} == seen


async def test_a_writer_may_come_and_go(path: Path) -> None:
    """While another process opens, writes and closes, a check is sound or says it cannot tell."""
    await made(path)
    judged = 0
    with writer(path, 40, "reopen") as process:
        assert process.stdout is not None
        for line in process.stdout:
            with contextlib.suppress(StoreUnavailableError):
                assert [] == check(str(path), RING)
                judged += 1
            if line == "done\n":
                break
    assert judged > 10


async def test_a_write_during_the_read_makes_it_read_again(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A writer came and went while the file was read as standing still: read it again."""
    await made(path)
    os.utime(path, (1, 1))
    reads = []

    def audit_and_be_overtaken(*arguments: Any) -> list[fsmcore.Violation]:
        reads.append(fsmcore.audit(*arguments))
        if len(reads) == 1:
            query(path, "UPDATE files SET version = 7")
        return reads[-1]

    monkeypatch.setattr("fsmcore.check.audit", audit_and_be_overtaken)
    (violation,) = check(str(path), RING)
    assert "every_row_is_where_its_history_ends" == violation.invariant
    assert [[], [violation], [violation]] == reads


async def test_two_bad_reads_that_differ_are_no_verdict(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Writes too close for the file's time to show: only what is found twice running is told."""
    await made(path)
    reads = []

    def audit_and_be_overtaken(*arguments: Any) -> list[fsmcore.Violation]:
        reads.append(fsmcore.audit(*arguments))
        if len(reads) < 4:
            before = path.stat()
            query(path, "UPDATE files SET version = version + 7")
            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        return reads[-1]

    query(path, "UPDATE files SET version = 7")
    monkeypatch.setattr("fsmcore.check.audit", audit_and_be_overtaken)
    (violation,) = check(str(path), RING)
    assert "'b' at version 28, journal: 'b' at 1" == violation.found
    assert 5 == len(reads)


async def test_a_file_that_never_stands_still_cannot_be_judged(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Written during each of nine reads: said so, whatever was found."""
    await made(path)
    seconds = iter(range(1, 99))

    def audit_and_be_overtaken(*arguments: Any) -> list[fsmcore.Violation]:
        os.utime(path, (0, next(seconds)))
        return fsmcore.audit(*arguments)

    monkeypatch.setattr("fsmcore.check.audit", audit_and_be_overtaken)
    with pytest.raises(StoreUnavailableError) as caught:
        check(str(path), RING)
    assert "files.db: kept being opened and closed; try again." == str(caught.value)
    assert 10 == next(seconds)


async def test_a_read_only_file_in_a_read_only_folder(path: Path) -> None:
    """Nothing can be written there, and nothing has to be. (The owner of all files may anyway.)"""
    await made(path)
    path.chmod(0o400)
    path.parent.chmod(0o500)
    try:
        assert [] == check(str(path), RING)
    finally:
        path.parent.chmod(0o700)


async def test_a_database_in_another_journal_mode(path: Path) -> None:
    """A V9 database from before WAL: read as it is, with a rollback journal left by a crash too."""
    await made(path)
    query(path, "PRAGMA journal_mode=DELETE")
    assert [] == check(str(path), RING)
    ((version,),) = query(path, "SELECT version FROM files")
    crashed = path.with_name("crashed.db")
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA cache_size=1")
        db.execute("PRAGMA cache_spill=1")
        db.execute("BEGIN IMMEDIATE")
        db.execute("UPDATE files SET version = version + 100")
        db.execute("CREATE TABLE big (x)")
        db.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500) "
            "INSERT INTO big SELECT zeroblob(1000) FROM n"
        )
        copied(path, crashed, "-journal")
        db.execute("ROLLBACK")
    before = contents(path.parent)
    assert [] == check(str(crashed), RING)
    assert before == contents(path.parent)
    assert [(version,)] == query(crashed, "SELECT version FROM files")


@pytest.mark.parametrize("linked", ["file", "folder"])
@pytest.mark.parametrize("state", ["live", "crashed", "closed"])
async def test_a_symbolic_link_is_followed_to_the_wal(
    path: Path, tmp_path_factory: pytest.TempPathFactory, state: str, linked: str
) -> None:
    """The WAL lies beside the file and not beside the link; without it all would look sound."""
    link = tmp_path_factory.mktemp("elsewhere") / "link"
    await made(path)
    kept = path.with_name("kept.db")
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("UPDATE files SET gemini_state = 'lost'")
        db.commit()
        copied(path, kept, "-wal")
        if state != "live":
            path = kept
        if state == "closed":
            query(kept, "PRAGMA wal_checkpoint(TRUNCATE)")
        link.symlink_to(path if linked == "file" else path.parent)
        asked = link if linked == "file" else link / path.name
        before = contents(path.parent)
        names = {violation.invariant for violation in check(str(asked), RING)}
        assert {"every_state_is_known", "every_row_is_where_its_history_ends"} == names
        assert before == contents(path.parent)


async def test_a_file_of_two_names_cannot_be_judged(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A hard link: nobody knows beside which name the WAL lies."""
    await made(path)
    other = path.with_name("other.db")
    other.hardlink_to(path)
    for name in (path, other):
        code, lines = printed(capsys, str(name))
        assert (4, 1) == (code, len(lines))
        assert lines[0].startswith(f"check: invalid: {name.name}: has 2 names (hard links)")


async def test_a_database_without_its_journal(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before adoption there is no journal: said so, and judged without one if asked."""
    async with opened(path):
        pass
    query(path, "DROP TABLE transitions")
    code, lines = printed(capsys, str(path))
    assert 4 == code
    assert "files.db: it has no journal 'transitions'. Add it with" in lines[0]
    assert (0, ["check: pass: 0 violations"]) == printed(capsys, str(path), "--no-journal")


async def test_violations_as_json(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The standard output is JSON and nothing else; the verdict stands beside it."""
    async with opened(path):
        pass
    query(path, "UPDATE files SET gemini_state = 'lost'")
    code = main([str(path), "--json"])
    said = capsys.readouterr()
    assert 1 == code
    assert json.loads(said.out) == [
        {"invariant": "every_state_is_known", "file_path": KEY, "found": "state 'lost'"}
    ]
    assert "check: fail: 1 violations\n" == said.err


@pytest.mark.parametrize("damage", ["page", "header", "text", "short"])
async def test_a_damaged_file_is_not_sound(
    path: Path, damage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Damage is a verdict: exit code 1, in one line or in the violations."""
    await made(path)
    if damage == "text":
        query(path, "UPDATE files SET gemini_state = CAST(x'ff' AS TEXT)")
    else:
        offset, content = {"page": (4096, b"\xa5" * 4096), "header": (0, b"x"), "short": (0, b"")}[
            damage
        ]
        with path.open("r+b") as file:
            file.seek(offset)
            file.write(content)
            if damage == "short":
                file.truncate(5000)
    before = contents(path.parent)
    code, lines = printed(capsys, str(path))
    assert 1 == code, lines
    assert lines[-1].startswith("check: fail: ")
    assert before == contents(path.parent)


@pytest.mark.parametrize("kind", ["missing", "folder", "foreign", "empty"])
async def test_what_is_no_such_database_cannot_be_judged(
    path: Path, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Missing, a folder, somebody else's, empty: exit code 4, and nothing is made."""
    if kind == "folder":
        path.mkdir()
    elif kind == "foreign":
        query(path, "CREATE TABLE theirs (x)")
    elif kind == "empty":
        path.touch()
    before = sorted(found.name for found in path.parent.iterdir())
    code, lines = printed(capsys, str(path))
    assert 4 == code, lines
    assert lines[0].startswith("check: invalid: ")
    assert "files.db: " in lines[0]
    assert before == sorted(found.name for found in path.parent.iterdir())


async def test_a_locked_file_cannot_be_judged(
    path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database that nobody else may read now is not unsound; nobody knows."""
    await made(path)
    query(path, "PRAGMA journal_mode=DELETE")
    monkeypatch.setattr("fsmcore.check._BUSY_TIMEOUT_S", 0.0)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as hog:
        hog.execute("PRAGMA locking_mode=EXCLUSIVE")
        hog.execute("BEGIN EXCLUSIVE")
        code, lines = printed(capsys, str(path))
    assert 4 == code, lines
    assert "SQLITE_BUSY" in lines[0]


async def test_usage_is_exit_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    """No file, no verdict."""
    with pytest.raises(SystemExit) as caught:
        main([])
    assert 2 == caught.value.code


def test_it_is_a_command(path: Path) -> None:
    """``python -m fsmcore.check FILE`` is what a person types."""
    asyncio.run(made(path))
    done = subprocess.run(
        [sys.executable, "-m", "fsmcore.check", str(path)],
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
        check=False,
    )
    assert (1, "") == (done.returncode, done.stderr)
    assert "check: fail: 2 violations" == done.stdout.splitlines()[-1]


async def test_a_copy_of_a_crashed_database_is_taken_away(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Recovering happens on a copy elsewhere, and the copy is removed."""
    copies = tmp_path / "copies"
    copies.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(copies))
    async with opened(path, lifecycle=RING) as manager:
        await manager.transition(KEY, "next")
        crashed = tmp_path / "crashed.db"
        copied(path, crashed, "-wal")
    assert [] == check(str(crashed), RING)
    assert [] == list(copies.iterdir())
    shutil.rmtree(copies)


def test_what_is_no_file_is_told_as_what_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the path as it was given: the name alone might stand in any folder."""
    given = {
        str(tmp_path): "is a folder; name the database file in it",
        "/dev/null": "is a device or a pipe, and no database file",
        str(tmp_path / "a.db"): "no such file",
    }
    for path, what in given.items():
        assert 4 == main([path])
        assert f"check: invalid: {path}: {what}.\n" == capsys.readouterr().out
