"""Real schedulers, real workers, killed in the middle: what is answered stays, the rest is told.

The stand-in's release 17.0 says which process it runs in and waits for a word, so a cell is in the
middle for as long as a test wants it to be.
"""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from reports import plan, schema, sources
from reports.interpreters import here
from reports.schema import Asked, Cell, MergeRecord, Place, Verdict
from reports.tests import stand_in

PATIENCE_S = 240.0
"""How long a test waits for what must come; it never waits for what must not."""


@dataclass(kw_only=True)
class Spread:
    """A plan of the stand-in's cells, and the processes that answer it."""

    checkout: Path
    folder: Path
    listener: socket.socket

    def plan(self, *releases: str) -> list[Cell]:
        """Plan the laws of each release."""
        cells = [
            Cell(
                asked=Asked.LAWS,
                place=Place(python=here(), requirements=[f"planted=={release}"]),
                sources=sources.digest(self.checkout),
                names=["always_holds"],
            )
            for release in releases
        ]
        schema.write(self.folder / "plan.json", plan.record_of(cells))
        return cells

    def answer(self, cell: Cell) -> Path:
        """Where the answer to a cell is kept."""
        return self.folder / "answers" / f"{cell.digest}.json"

    def start(self, *options: str) -> subprocess.Popen[str]:
        """Spread the plan."""
        return self.process(
            *("-m", "reports.spread", "--plan", str(self.folder / "plan.json")),
            *("--answers", str(self.folder / "answers"), "--out", str(self.folder / "out.json")),
            *options,
        )

    def process(self, *arguments: str) -> subprocess.Popen[str]:
        """A process of the stand-in's checkout."""
        return subprocess.Popen(
            [sys.executable, *arguments],
            cwd=self.checkout,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def record(self) -> MergeRecord:
        """What the last spread said."""
        return schema.read(self.folder / "out.json", MergeRecord)

    @contextlib.contextmanager
    def met(self) -> Iterator[tuple[int, socket.socket]]:
        """Meet the next cell that waits for a word: its process, and the line to it."""
        line, _ = self.listener.accept()
        with line:
            line.settimeout(PATIENCE_S)
            yield int(line.recv(32)), line


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stand-in that holds all of `reports`, as a worker's checkout does."""
    folder = tmp_path_factory.mktemp("whole")
    checkout = stand_in.make(folder)
    shutil.rmtree(checkout / "reports")
    ignored = shutil.ignore_patterns("tests", "out", "__pycache__")
    shutil.copytree(stand_in.CHECKOUT / "reports", checkout / "reports", ignore=ignored)
    return folder


@pytest.fixture
def spread(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Spread]:
    """Whatever a test has started ends with it."""
    for name, value in stand_in.index(whole / "wheels").items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT", "3s")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE_S)
        monkeypatch.setenv("PLANTED_PORT", str(listener.getsockname()[1]))
        yield Spread(checkout=whole / "checkout", folder=tmp_path, listener=listener)


def ended(process: "subprocess.Popen[str]") -> tuple[int, str]:
    """How a process ended, and what it said."""
    said, _ = process.communicate(timeout=PATIENCE_S)
    return process.returncode, said


def heard(process: "subprocess.Popen[str]", pattern: str) -> str:
    """Read what a process says until a line matches; returns what it captured."""
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line)
        if found := re.search(pattern, line):
            return found[1]
    raise AssertionError("".join(said))


def ancestors(pid: int) -> list[int]:
    """The processes above another one."""
    found = []
    while pid > 1:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        pid = int(fields[1])
        found.append(pid)
    return found


def is_gone(line: socket.socket) -> bool:
    """Wait until the process at the other end is no more."""
    with contextlib.suppress(ConnectionResetError):
        return line.recv(1) == b""
    return True


@pytest.mark.skipif(sys.platform != "linux", reason="processes are found in /proc")
def test_a_cell_whose_worker_is_killed_goes_to_another(spread: Spread) -> None:
    """Of three workers one is killed in the middle; a cell that hangs is ended, and unknown.

    What the dead worker had started is dead too, and no answer is missing.
    """
    cells = spread.plan("1.1", "17.0", "10.0", "3.0", "5.0")
    process = spread.start("--workers", "3", "--limit", "45")
    try:
        workers = {int(each) for each in heard(process, r"workers: ([\d ]+)").split()}
        with spread.met() as (first, line):
            (worker,) = workers & set(ancestors(first))
            os.kill(worker, signal.SIGKILL)
            assert is_gone(line)
        with spread.met() as (second, line):
            assert worker not in ancestors(second)
            line.sendall(b"go")
        code, said = ended(process)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
    expected = [Verdict.PASS] * 4 + [Verdict.UNKNOWN]
    record = spread.record()
    assert (3, 3, expected) == (code, len(workers), [each.verdict for each in record.answers]), said
    assert "no answer within 45 s" in (record.answers[-1].problem or "")
    assert all(spread.answer(each).exists() for each in cells)


@pytest.mark.skipif(sys.platform != "linux", reason="processes are found in /proc")
def test_nothing_that_is_answered_is_lost_with_the_scheduler(spread: Spread) -> None:
    """What it takes along is unknown; the same command with another scheduler asks that alone."""
    done, waiting = spread.plan("1.1", "17.0")
    with scheduler(spread, "--nworkers", "1") as (address, master):
        process = spread.start("--dask", address)
        heard(process, rf"({done.digest}) .*: pass")
        with spread.met() as (_, line):
            os.kill(master, signal.SIGKILL)
            code, said = ended(process)
            assert is_gone(line)
    assert (3, [Verdict.PASS, Verdict.UNKNOWN]) == (
        code,
        [each.verdict for each in spread.record().answers],
    ), said
    before = spread.answer(done).stat().st_mtime_ns
    with scheduler(spread, "--nworkers", "3") as (address, _):
        process = spread.start("--dask", address)
        with spread.met() as (_, line):
            line.sendall(b"go")
        assert 0 == ended(process)[0]
    assert (before, 1) == (
        spread.answer(done).stat().st_mtime_ns,
        spread.record().figures["asked"],
    )
    assert spread.answer(waiting).exists()


@contextlib.contextmanager
def scheduler(spread: Spread, *options: str) -> Iterator[tuple[str, int]]:
    """A scheduler and its workers in processes of their own: its address, and its process."""
    quiet = ("--no-dashboard",)
    master = spread.process(
        *("-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0", *quiet)
    )
    address = heard(master, r"Scheduler at:\s+(tcp://\S+)")
    hands = spread.process(
        *("-m", "distributed.cli.dask_worker", address, "--nthreads", "1", *quiet, *options)
    )
    try:
        yield address, master.pid
    finally:
        for each in (hands, master):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(each.pid, signal.SIGKILL)
            each.communicate()


def test_without_a_cluster_a_cell_that_hangs_stops_no_other(spread: Spread) -> None:
    """One after the other on this machine; asked again, only what has no answer is."""
    hangs, holds = spread.plan("5.0", "1.1")
    assert 3 == ended(spread.start("--limit", "15"))[0]
    record = spread.record()
    assert [Verdict.UNKNOWN, Verdict.PASS] == [each.verdict for each in record.answers]
    assert "no answer within 15 s" in (record.answers[0].problem or "")
    before = spread.answer(holds).stat().st_mtime_ns
    assert 3 == ended(spread.start("--limit", "1"))[0]
    assert (1, before) == (
        spread.record().figures["asked"],
        spread.answer(holds).stat().st_mtime_ns,
    )
    assert spread.answer(hangs).exists()


@pytest.mark.skipif(sys.platform != "linux", reason="who dies with whom is Linux's")
def test_whoever_is_killed_goes_on_with_what_is_left(spread: Spread) -> None:
    """What it had started is gone, what was answered is kept, and is not asked again."""
    done, _ = spread.plan("1.1", "17.0")
    process = spread.start()
    with spread.met() as (_, line):
        process.kill()
        assert is_gone(line)
    process.communicate()
    before = spread.answer(done).stat().st_mtime_ns
    process = spread.start()
    with spread.met() as (_, line):
        line.sendall(b"go")
    assert 0 == ended(process)[0]
    asked = spread.record().figures["asked"]
    assert (1, before) == (asked, spread.answer(done).stat().st_mtime_ns)


def test_a_scheduler_that_is_not_there_is_told(spread: Spread) -> None:
    """Nothing was asked, and no cell has an answer."""
    (cell,) = spread.plan("1.1")
    code, said = ended(spread.start("--dask", "tcp://127.0.0.1:1"))
    assert (4, False) == (code, spread.answer(cell).exists()), said
    assert "spread: invalid: the cells cannot be handed out" in said.splitlines()[-1]
