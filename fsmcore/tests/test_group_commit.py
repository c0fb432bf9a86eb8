"""What waits for the writer goes together, and each is told its own outcome."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar, cast

import pytest

from fsmcore import (
    FileNotTrackedError,
    FsmCoreError,
    GroupCommit,
    SchemaMismatchError,
    SingleWriter,
    StaleTransitionError,
    StoreBusyError,
    Synchronous,
)
from fsmcore.connections import CommitFailedError, CommitFate, Receipt, RowCountError, Write
from fsmcore.connections.file import StoreFile
from fsmcore.connections.gathering import Gathering, Look
from fsmcore.connections.group_commit import Group
from fsmcore.connections.lane import Answer, Hop, Lane, ThreadLane, answer_to, nothing
from fsmcore.connections.seat import OnSeat, Seat
from fsmcore.connections.work import Reading, Transaction
from fsmcore.sqlite import ConstraintError
from fsmcore.tests.support import held_write_lock, opened, query

T = TypeVar("T")
BUMP = "UPDATE rows SET version = version + 1 WHERE key = ? AND version = ?"
NOTE = "INSERT INTO notes VALUES (?)"
SELECT_VERSION = "SELECT version FROM rows WHERE key = ?"


@pytest.fixture
def db(path: Path) -> Iterator[sqlite3.Connection]:
    """Lend a WAL database with three rows at version 0."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None, timeout=0)) as made:
        made.execute("PRAGMA journal_mode=WAL")
        made.execute("CREATE TABLE rows (key TEXT PRIMARY KEY, version INTEGER)")
        made.execute("CREATE TABLE notes (id TEXT PRIMARY KEY)")
        made.execute("INSERT INTO rows VALUES ('a', 0), ('b', 0), ('c', 0)")
        yield made


def member(key: str, version: int, note: str) -> Transaction:
    """Return a compare-and-set with its note."""
    writes = (Write(sql=BUMP, parameters=(key, version)), Write(sql=NOTE, parameters=(note,)))
    return Transaction("files.db", writes, Receipt())


def fates(members: Sequence[Transaction]) -> list[CommitFate]:
    """Return what each was told of its COMMIT."""
    return [each.receipt.fate for each in members]


YES, NO = CommitFate.COMMITTED, CommitFate.NOT_SENT


def test_a_group_commits_once(db: sqlite3.Connection) -> None:
    """Three members, one BEGIN and one COMMIT."""
    ran: list[str] = []
    db.set_trace_callback(ran.append)
    members = [member(key, 0, key) for key in "abc"]
    assert [None] * 3 == Group("files.db", members).run(db)
    assert [YES] * 3 == fates(members)
    assert (1, 1) == (ran.count("BEGIN IMMEDIATE"), ran.count("COMMIT"))


def test_a_stale_member_fails_alone(db: sqlite3.Connection) -> None:
    """The one that met no row, and nobody else."""
    members = [member("a", 0, "1"), member("b", 7, "2"), member("a", 0, "3"), member("c", 0, "4")]
    answers = Group("files.db", members).run(db)
    assert [None, RowCountError, RowCountError, None] == [each and type(each) for each in answers]
    assert [YES, NO, NO, YES] == fates(members)
    assert [("a", 1), ("b", 0), ("c", 1)] == db.execute("SELECT * FROM rows").fetchall()


def test_half_a_member_is_never_committed(db: sqlite3.Connection) -> None:
    """Its note is taken, so its row, which had moved already, moves back; the others commit."""
    members = [member("a", 0, "1"), member("b", 0, "1"), member("c", 0, "3")]
    answers = Group("files.db", members).run(db)
    assert [None, ConstraintError, None] == [each and type(each) for each in answers]
    assert [YES, NO, YES] == fates(members)
    assert [("a", 1), ("b", 0), ("c", 1)] == db.execute("SELECT * FROM rows").fetchall()


def test_a_withdrawn_member_is_left_out(db: sqlite3.Connection) -> None:
    """Cancelled before its group began."""
    members = [member("a", 0, "1"), member("b", 0, "2")]
    members[0].withdraw()
    assert [None, None] == Group("files.db", members).run(db)
    assert [NO, YES] == fates(members)


def test_a_busy_group_has_written_nothing(db: sqlite3.Connection, path: Path) -> None:
    """Each is told by an error of its own, and may try again."""
    members = [member("a", 0, "1"), member("b", 0, "2")]
    with held_write_lock(path):
        answers = Group("files.db", members).run(db)
    assert [StoreBusyError] * 2 == [type(each) for each in answers]
    assert answers[0] is not answers[1]
    assert [NO, NO] == fates(members)
    assert not db.in_transaction


def test_an_unknown_commit_is_unknown_for_each_that_wrote(db: sqlite3.Connection) -> None:
    """COMMIT is interrupted; who met no row knows at least that nothing of its own was written."""
    left = [0]
    db.set_trace_callback(lambda sql: left.__setitem__(0, int(sql == "COMMIT")))
    db.set_progress_handler(lambda: left[0], 1)
    members = [member("a", 0, "1"), member("b", 9, "2"), member("c", 0, "3")]
    answers = Group("files.db", members).run(db)
    db.set_progress_handler(None, 1)
    assert [CommitFailedError, StoreBusyError, CommitFailedError] == [type(e) for e in answers]
    assert str(answers[1]) == (
        "files.db: busy: the commit of its group failed (OperationalError SQLITE_INTERRUPT: "
        "interrupted). Nothing of this transition was written; retry."
    )
    assert answers[0] is not answers[2]
    assert [CommitFate.SENT, NO, CommitFate.SENT] == fates(members)
    assert not db.in_transaction


def test_a_look_is_one_snapshot(db: sqlite3.Connection, path: Path) -> None:
    """Who commits between two of its reads is seen by none."""
    ran: list[str] = []

    def move_on_at_the_second(sql: str) -> None:
        ran.append(sql)
        if ran.count(sql) == 2 and sql.endswith("key = 'a'"):
            with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
                other.execute("UPDATE rows SET version = 1")

    db.set_trace_callback(move_on_at_the_second)
    reads = [Reading("files.db", SELECT_VERSION, (key,)) for key in "aab"]

    assert [[(0,)]] * 3 == Look("files.db", reads).run(db)
    assert ("BEGIN", "ROLLBACK") == (ran[0], ran[-1])
    assert not db.in_transaction
    assert [[(1,)]] == Look("files.db", reads[:1]).run(db)
    assert 1 == ran.count("BEGIN")


def test_a_failed_read_fails_alone(db: sqlite3.Connection) -> None:
    """The others of its look have their rows, and no snapshot stays open."""
    reads = [
        Reading("files.db", SELECT_VERSION, ("a",)),
        Reading("files.db", "SELECT nothing FROM rows", ()),
        Reading("files.db", SELECT_VERSION, ("b",)),
    ]
    first, second, third = Look("files.db", reads).run(db)
    assert ([(0,)], SchemaMismatchError, [(0,)]) == (first, type(second), third)
    assert not db.in_transaction


@pytest.mark.parametrize("model", [SingleWriter, GroupCommit])
async def test_reads_of_one_turn_are_one_hop(
    path: Path, model: type[SingleWriter | GroupCommit]
) -> None:
    """Up to 128 of them; each task has its own row, and who asks for none his own error."""
    hops: list[object] = []

    class Counted(ThreadLane):
        def submit(self, hop: Hop[T]) -> Answer[T]:
            hops.append(hop)
            return super().submit(hop)

    asked = [*("a.txt", "b.txt") * 70, "none.txt"]
    async with opened(path, connections=model(lanes=Counted), files=("a.txt", "b.txt")) as manager:
        hops.clear()
        *rows, missing = await asyncio.gather(
            *(manager.store.read(name) for name in asked), return_exceptions=True
        )
        assert 2 == len(hops)
    assert asked[:-1] == [getattr(each, "file_path", each) for each in rows]
    assert isinstance(missing, FileNotTrackedError)


@pytest.mark.parametrize("one_at_a_time", [True, False])
async def test_what_is_asked_while_a_group_is_under_way(one_at_a_time: bool) -> None:
    """Commits wait, so that groups are large; reads do not, because they are short."""
    hops: list[tuple[Answer[Any], OnSeat[Any]]] = []

    class Held:
        last = staticmethod(nothing)

        def submit(self, hop: Any) -> Answer[Any]:
            hops.append((answer_to(hop), hop))
            return hops[-1][0]

    file = StoreFile(synchronous=Synchronous.FULL, busy_timeout_ms=0)
    seat = Seat(file, cast("Lane", Held()))
    gathering = Gathering[Reading](seat, partial(Look, "db"), one_at_a_time=one_at_a_time)
    told = []
    for _ in range(2):
        told += [gathering.ask(Reading("db", SELECT_VERSION, (key,))) for key in "ab"]
        await asyncio.sleep(0)
    assert (1 if one_at_a_time else 2) == len(hops)
    hops[0][0].set_result([[1], [2]])
    await asyncio.sleep(0)
    assert 2 == len(hops)
    hops[1][0].set_result([[3], [4]])
    assert [[1], [2], [3], [4]] == await asyncio.gather(*told)


async def test_callers_of_a_group_are_told_their_own_outcome(path: Path) -> None:
    """One is stale, one brings an attempt id again; the others are acknowledged after COMMIT."""
    names = tuple(f"{number}.txt" for number in range(8))
    async with opened(path, connections="group-commit", files=names) as manager:

        async def told(name: str, **options: Any) -> object:
            try:
                result = await manager.transition(name, "start_upload", **options)
            except FsmCoreError as error:
                return type(error)
            assert 1 == len(query(path, "SELECT 1 FROM transitions WHERE file_path = ?", name))
            return result.version

        first = await told(names[0], attempt_id="mine")
        answers = await asyncio.gather(
            *(told(name) for name in names[1:6]),
            told(names[6], expected_version=4),
            told(names[7], attempt_id="mine"),
        )
    assert 1 == first
    assert [1] * 5 == answers[:5]
    assert [StaleTransitionError, "AttemptReusedError"] == [
        answers[5],
        getattr(answers[6], "__name__", answers[6]),
    ]
