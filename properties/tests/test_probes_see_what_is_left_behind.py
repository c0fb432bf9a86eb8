"""Each probe finds what it is made for, says whose it is, and finds nothing where nothing is."""

import asyncio
import gc
import itertools
import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fsmcore import HandRolledAdapter
from properties.probes import (
    ConnectionProbe,
    MemoryProbe,
    ObjectProbe,
    ThreadProbe,
    connections,
    integrity_findings,
    loop_findings,
    threads,
    wal_findings,
)
from properties.specs import test_two_hundred_transitions_leave_nothing as law
from properties.subjects import TRIES, Answer, CoreSubject, Request


def test_an_open_connection_names_who_opened_it() -> None:
    """The function of ours that called sqlite3, and no path of this machine."""
    probe = ConnectionProbe()
    with closing(sqlite3.connect(":memory:")):
        (found,) = probe.findings(0)
    assert [] == probe.findings(0)
    assert "test_probes_see_what_is_left_behind.py:test_an_open_connection_names" in found
    assert str(Path(__file__).parent) not in found


def test_a_closed_connection_is_let_go_of_though_nobody_asks() -> None:
    """Else whatever opens many, in a process that has watched once, would be seen to leak."""
    ConnectionProbe()
    for _ in range(3):
        sqlite3.connect(":memory:").close()
    before = len(connections._opened)
    for _ in range(20):
        sqlite3.connect(":memory:").close()
    assert before == len(connections._opened)


def test_a_connection_of_a_worker_names_who_started_the_worker() -> None:
    """As aiosqlite's are: opened by a thread, for whoever started that."""
    probe = ConnectionProbe()
    kept: list[sqlite3.Connection] = []

    def work() -> None:
        kept.append(sqlite3.connect(":memory:", check_same_thread=False))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    (found,) = probe.findings(0)
    kept.pop().close()
    assert "test_a_connection_of_a_worker_names_who_started" in found or "work" in found


def test_a_thread_names_who_started_it() -> None:
    """And is found only as long as it runs."""
    probe, over = ThreadProbe(), threading.Event()
    thread = threading.Thread(target=over.wait)
    thread.start()
    (found,) = probe.findings(0)
    over.set()
    thread.join()
    assert [] == probe.findings(0)
    assert ":test_a_thread_names_who_started_it:" in found


def test_a_leak_is_waited_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the same place starts again is told after a moment, to another probe too."""
    waits: list[int] = []
    over, now_s = threading.Event(), itertools.count(step=0.01)
    monkeypatch.setattr(threads, "_known", set())
    monkeypatch.setattr(threads, "time", SimpleNamespace(monotonic=lambda: next(now_s)))

    class Counted(threading.Thread):
        def join(self, timeout: float | None = None) -> None:
            waits[-1] += 1

    started = []
    for _ in range(2):
        waits.append(0)
        probe = ThreadProbe()
        started.append(Counted(target=over.wait))
        started[-1].start()
        assert 1 == len(probe.findings(0))
    over.set()
    for thread in started:
        threading.Thread.join(thread)
    assert waits[0] > 100
    assert waits[1] < 5


def test_the_loops_queues() -> None:
    """A callback that waits and a timer that runs; a cancelled one is nothing."""

    async def look() -> list[list[str]]:
        loop = asyncio.get_running_loop()
        seen = [loop_findings()]
        loop.call_soon(gc.isenabled)
        timer = loop.call_later(60, gc.isenabled)
        seen.append(loop_findings())
        await asyncio.sleep(0)
        timer.cancel()
        seen.append(loop_findings())
        return seen

    before, during, after = asyncio.run(look())
    assert ([], []) == (before, after)
    assert ["1 callbacks wait in the event loop: isenabled"] == during[:1]
    assert "1 timers run" in during[1]


@pytest.mark.skipif(not MemoryProbe.can_see, reason="SQLite's symbols are hidden here")
def test_sqlites_memory() -> None:
    """An open database with pages in its cache."""
    probe = MemoryProbe()
    with closing(sqlite3.connect(":memory:")) as db:
        db.execute("CREATE TABLE t (x)")
        db.execute("INSERT INTO t VALUES (zeroblob(1000000))")
        (found,) = probe.findings()
    assert "SQLite holds 1," in found
    assert [] == probe.findings()


def test_python_objects() -> None:
    """Garbage is none of its findings, what is referred to is."""
    probe = ObjectProbe()
    try:
        cycle: list[Any] = []
        cycle.append(cycle)
        del cycle
        assert [] == probe.findings(20)
        kept = [[number] for number in range(100)]
        (found,) = probe.findings(20)
        assert "20 may be" in found
        assert 100 == len(kept)
    finally:
        probe.end()


def test_the_logs_size_and_the_files_soundness(tmp_path: Path) -> None:
    """A log that outgrew its limit; a file that is sound, and one that is not."""
    path = str(tmp_path / "t.db")
    assert [] == wal_findings(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("CREATE TABLE t (x UNIQUE)")
        db.execute("INSERT INTO t VALUES (1), (2), (3)")
        assert [] == [*wal_findings(path), *integrity_findings(db)]
        (found,) = wal_findings(path, limit_bytes=1000)
        assert "1,000 are the most" in found
        db.execute("PRAGMA writable_schema=1")
        db.execute("UPDATE sqlite_schema SET rootpage = 2 WHERE type = 'index'")
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        try:
            (found,) = integrity_findings(db)
        except sqlite3.DatabaseError as error:
            found = f"integrity_check: {error}"
    assert "integrity_check: " in found


class KeepsEachRequest(CoreSubject):
    """A history that nobody asked for."""

    def __init__(self, *, tries: int = TRIES) -> None:
        """Keep nothing yet."""
        super().__init__("broken", HandRolledAdapter, locked=False, tries=tries)
        self.kept: list[Any] = []

    async def attempt(self, request: Request) -> Answer:
        """Keep ten lists for each attempt."""
        self.kept.extend([request] for _ in range(10))
        return await super().attempt(request)


class LeavesATimer(KeepsEachRequest):
    """A timeout that is never cancelled."""

    async def attempt(self, request: Request) -> Answer:
        """Set it."""
        asyncio.get_running_loop().call_later(3600, list)
        return await CoreSubject.attempt(self, request)


@pytest.mark.parametrize(
    ("broken", "told"), [(KeepsEachRequest, "objects more are alive"), (LeavesATimer, "timers run")]
)
def test_two_hundred_transitions_show_a_small_leak(broken: Any, told: str) -> None:
    """One that no single step shows, and one that the first does."""
    with pytest.raises(AssertionError, match=told):
        law.test_clean_ones(broken, "broken", lambda _name, _value: None)
