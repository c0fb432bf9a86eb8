"""The counters count what they say, and a run in lock-step gives the same counts each time."""

from __future__ import annotations

import contextlib
import itertools
import sqlite3
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks import ring
from benchmarks.choices import in_turn
from benchmarks.counting.calls import PythonCalls
from benchmarks.counting.lanes import simulated
from benchmarks.counting.lock_step import Contention, LockStep
from benchmarks.counting.statements import Statements
from benchmarks.counting.syncs import Syncs
from benchmarks.ledger import Moved
from benchmarks.models import MODELS, WAYS
from benchmarks.subjects import Deciding, Managed, StoreOnly, Subject
from benchmarks.tests.recorders import PretendedRecorder
from benchmarks.tests.test_fast_and_wrong_is_a_failure import Careless, checks_no_version
from benchmarks.workload import WrongResultError, measure
from fsmcore import HandRolledAdapter, MachineFactory, StateMachineAdapter, Synchronous
from fsmcore.native import Preparation, PreparedConnection

UNLOCKED = WAYS["per-transition-unlocked"]


def database(folder: Path) -> str:
    """Make a WAL file with one table, and return its path."""
    path = str(folder / "counted.sqlite3")
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("CREATE TABLE t(x)")
    return path


def connected(path: str) -> sqlite3.Connection:
    """Connect without waiting and without transactions of Python's own."""
    return sqlite3.connect(path, isolation_level=None, timeout=0)


def test_statements_and_refusals_are_counted_by_kind(tmp_path: Path) -> None:
    """A held lock is BUSY, a snapshot that is too old BUSY_SNAPSHOT; each statement counts once."""
    path = database(tmp_path)
    with (
        Statements() as statements,
        contextlib.closing(connected(path)) as one,
        contextlib.closing(connected(path)) as other,
    ):
        one.execute("BEGIN IMMEDIATE")
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
        one.execute("ROLLBACK")
        other.execute("BEGIN")
        other.execute("SELECT * FROM t").fetchall()
        one.execute("INSERT INTO t VALUES (1)")
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("INSERT INTO t VALUES (2)")
        other.execute("ROLLBACK")
        found = statements.read()
    assert (2, 8, 1, 1) == tuple(
        found[f"{name}_count"] for name in ("connect", "statement", "sqlite_busy", "busy_snapshot")
    )


def test_what_a_connection_does_while_it_is_made_counts_too(tmp_path: Path) -> None:
    """The core's connections set and read back their PRAGMAs before anybody has them."""
    path = database(tmp_path)
    asked = Preparation(store_name="t", synchronous=Synchronous.FULL, requires_wal=True)
    with Statements() as statements:
        connect: Any = sqlite3.connect  # hands what it does not know on to the factory
        with contextlib.closing(connect(path, factory=PreparedConnection, preparation=asked)) as db:
            assert isinstance(db, PreparedConnection)
        assert (1, 3) == (
            statements.read()["connect_count"],
            statements.read()["statement_count"],
        )


def test_a_step_of_the_virtual_machine_is_counted_once(tmp_path: Path) -> None:
    """A count to 2000 takes 1000 times the steps of one row more than a count to 1000."""
    path = database(tmp_path)
    counting = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c LIMIT ?) SELECT 1"
    steps = {}
    with Statements() as statements, contextlib.closing(connected(path)) as db:
        for rows in (1000, 1001, 2000):
            statements.reset()
            db.execute(f"{counting} FROM c", (rows,)).fetchall()
            steps[rows] = statements.read()["vdbe_step_count"]
    assert steps[2000] - steps[1000] == 1000 * (steps[1001] - steps[1000]) > 0


@pytest.mark.parametrize(("level", "each"), [("NORMAL", 0), ("FULL", 1)])
def test_a_commit_waits_as_its_level_says_and_checkpoints_are_apart(
    level: str, each: int, tmp_path: Path
) -> None:
    """Five commits on a kept connection, one checkpoint, five more: ten commits, one checkpoint."""
    with Syncs(tmp_path) as syncs, contextlib.closing(connected(database(tmp_path))) as db:
        db.execute(f"PRAGMA synchronous={level}")
        db.execute("INSERT INTO t VALUES (0)")  # the first one opens the WAL
        syncs.reset()
        for number in range(10):
            db.execute("INSERT INTO t VALUES (?)", (number,))
            if number == 4:
                db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        found = syncs.read()
    assert (10 * each, 1) == (found["fsync_count"], found["checkpoint_count"])
    assert 1 == found["wal_start_sync_count"]


def test_a_fresh_connection_syncs_the_folder_as_well(tmp_path: Path) -> None:
    """Under FULL: the first sync of a WAL that was opened for creation takes its folder along."""
    path = database(tmp_path)
    with Syncs(tmp_path) as syncs, contextlib.closing(connected(path)) as keeper:
        keeper.execute("INSERT INTO t VALUES (0)")
        syncs.reset()
        for number in range(3):
            with contextlib.closing(connected(path)) as db:
                db.execute("INSERT INTO t VALUES (?)", (number,))
        found = syncs.read()
    assert (6, 3, 3) == tuple(
        found[name] for name in ("fsync_count", "wal_sync_count", "folder_sync_count")
    )


def test_python_calls_leave_the_harness_out() -> None:
    """A function of this package is none; some of the standard library are, as many each time."""
    textwrap.dedent("  a\n  b\n")  # what it compiles is kept from here on
    with PythonCalls() as calls:
        in_turn(4)(7)
        found = [calls.read()["python_call_count"]]
        for _ in range(2):
            calls.reset()
            textwrap.dedent("  a\n  b\n")
            found.append(calls.read()["python_call_count"])
    assert (0, found[1]) == (found[0], found[2])
    assert found[1] > 0


def contending(
    make: Callable[[], Subject], folder: Path, *, rounds: int = 2, writers: int = 4
) -> PretendedRecorder:
    """Count so many writers on one file; raises what is wrong with the workload."""
    recorder = PretendedRecorder()
    measure(
        recorder,
        LockStep(
            Contention(
                make_subject=make, writer_count=writers, file_count=1, transitions_per_round=16
            )
        ),
        name="lock-step",
        folder=folder,
        synchronous=Synchronous.NORMAL,
        rounds=rounds,
        warmup_rounds=0,
    )
    return recorder


def managed(machine: MachineFactory) -> Callable[[], Subject]:
    """Return a maker of managers whose races meet in the database."""
    return lambda: Managed(machine, UNLOCKED)


def test_both_adapters_do_the_same_to_the_database(tmp_path: Path) -> None:
    """Only the Python calls tell which library decides, also where writers meet one another."""
    found = []
    machines: list[MachineFactory] = [StateMachineAdapter, HandRolledAdapter]
    for number, machine in enumerate(machines):
        folder = tmp_path / str(number)
        folder.mkdir()
        found.append(contending(managed(machine), folder).extra_info)
    calls = [each.pop("python_call_count") for each in found]
    for each in found:
        del each["cpu_rounds_s"], each["cpu_outside_s"]  # clocks, which stand beside the counts
    assert found[0] == found[1]
    assert found[0]["retry_count"] > 0 and calls[0] > calls[1]


CONNECTS_EACH = {
    "per-transition": 1,
    "direct": 1,
    "pooled": 0,
    "single-writer": 0,
    "group-commit": 0,
}


@pytest.mark.parametrize("name", MODELS)
def test_each_model_is_counted_and_connects_as_it_says(name: str, tmp_path: Path) -> None:
    """Threads of aiosqlite and of the core are scheduled alike; a kept one is open before."""
    way = simulated(MODELS[name])
    info = contending(lambda: Managed(HandRolledAdapter, way), tmp_path).extra_info
    assert (16, 16 * CONNECTS_EACH[name]) == (info["committed_count"], info["connect_count"])
    assert (0, 0) == (info["sqlite_busy_count"], info["stale_count"])


class Moody(StoreOnly):
    """A store that reads once more than it needs every third time, whoever runs it."""

    counter = itertools.count()

    async def transition(self, key: str, attempt_id: str) -> Moved:
        """Move the row, after a look that depends on everything that ran before."""
        if next(self.counter) % 3 == 0:
            await self.read(key)
        return await super().transition(key, attempt_id)


def test_rounds_that_differ_are_no_count(tmp_path: Path) -> None:
    """What depends on anything but the seed is found, because each round is the same run."""
    with pytest.raises(WrongResultError, match=r"two rounds of one seed differ: .*statement_count"):
        contending(Moody, tmp_path, rounds=3)


def test_a_lost_update_is_no_count(tmp_path: Path) -> None:
    """Without its version check the store is as quick as before, and wrong."""
    with pytest.raises(WrongResultError, match="every_history_is_unbroken"):
        contending(lambda: StoreOnly(lambda _level: Careless(checks_no_version)), tmp_path)


class Boastful(Managed):
    """Tells its caller of a version that another one has made."""

    async def transition(self, key: str, attempt_id: str) -> Moved:
        """Move the row, and tell half of the truth."""
        moved = await super().transition(key, attempt_id)
        return moved._replace(version=moved.version - moved.version % 2)


def test_an_answer_that_no_order_explains_is_no_count(tmp_path: Path) -> None:
    """The file is sound and every count is right; only what callers were told is not."""
    with pytest.raises(WrongResultError, match="the history is illegal"):
        contending(lambda: Boastful(HandRolledAdapter), tmp_path)


def test_whoever_decides_on_an_old_row_is_rejected_and_counted(tmp_path: Path) -> None:
    """A refused attempt is an answer; it takes its place in the stock and moves nothing."""
    recorder = PretendedRecorder()
    lock_step = LockStep(
        Contention(
            make_subject=lambda: Deciding(HandRolledAdapter),
            writer_count=4,
            file_count=1,
            transitions_per_round=16,
            lifecycle=ring.NAMED_RING,
            may_reject=True,
        )
    )
    measure(
        recorder,
        lock_step,
        name="deciders",
        folder=tmp_path,
        synchronous=Synchronous.NORMAL,
        rounds=2,
        warmup_rounds=0,
    )
    info = recorder.extra_info
    assert 16 == info["committed_count"] + info["rejected_count"]
    assert info["rejected_count"] > 0
