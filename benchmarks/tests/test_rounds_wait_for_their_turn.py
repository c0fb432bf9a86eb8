"""Each round asks before it begins, outside the clock; what works meanwhile is noted."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest

from benchmarks.slowed import Slowed
from benchmarks.tests.recorders import PretendedRecorder
from benchmarks.turns import RefereeGoneError, Rounds, Turns
from benchmarks.workload import Metric, measure
from fsmcore import Synchronous
from reports.schema import GO, TurnRequest


class Referee:
    """Answers whoever asks, and notes what was asked."""

    def __init__(self, path: Path, answers: int) -> None:
        self.asked: list[tuple[str, int]] = []
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(path))
        self._listener.listen(1)
        self._answers = answers
        self.thread = threading.Thread(target=self._serve)
        self.thread.start()

    def _serve(self) -> None:
        connection, _ = self._listener.accept()
        with connection, self._listener, connection.makefile("rb") as lines:
            for number, line in enumerate(lines):
                request = msgspec.json.decode(line, type=TurnRequest)
                self.asked.append((request.benchmark, request.round))
                if number == self._answers:
                    return
                connection.sendall(GO)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the referee listens."""
    return tmp_path / "turns"


def test_there_is_one_question_for_each_round(path: Path) -> None:
    """Once before the first, and after each but the last."""
    referee = Referee(path, answers=100)
    turns = Turns(str(path))
    rounds = Rounds(turns, "work", 3)
    for _ in range(5):
        rounds()
    turns.close()
    referee.thread.join()
    assert [("work", 0), ("work", 1), ("work", 2)] == referee.asked


def test_a_referee_that_hangs_up_ends_the_measurement(path: Path) -> None:
    """What is measured without turns is no pair."""
    referee = Referee(path, answers=1)
    turns = Turns(str(path))
    turns.wait("work", 0)
    with pytest.raises(RefereeGoneError):
        turns.wait("work", 1)
    turns.close()
    referee.thread.join()


class Noting:
    """A workload that notes what is asked of it."""

    transitions_per_round = 3

    def __init__(self) -> None:
        self.calls: list[str] = []

    def setup(self, folder: Path, synchronous: Synchronous) -> None:
        self.calls.append("setup")

    def run(self) -> None:
        self.calls.append("run")

    def forget(self) -> None:
        self.calls.append("forget")

    def close(self) -> None:
        self.calls.append("close")

    def check(self) -> list[str]:
        return ["wrong"]

    def metrics(self) -> dict[str, int]:
        return {"count": 1}


def test_a_slowed_workload_does_and_says_the_same(tmp_path: Path) -> None:
    """Every call reaches it, and nothing that is wrong is hidden."""
    noting = Noting()
    slowed = Slowed(noting, 50.0)
    slowed.setup(tmp_path, Synchronous.NORMAL)
    slowed.run()
    slowed.forget()
    slowed.close()
    assert ["setup", "run", "forget", "close"] == noting.calls
    assert (["wrong"], {"count": 1}, 3) == (
        slowed.check(),
        slowed.metrics(),
        slowed.transitions_per_round,
    )


class Postponing:
    """Leaves its work to a thread, and is done at once; closing waits for the rest."""

    transitions_per_round = 2

    def __init__(self, work_s: float) -> None:
        self._work_s = work_s
        self._threads: list[threading.Thread] = []

    def setup(self, folder: Path, synchronous: Synchronous) -> None:
        """Nothing is needed."""

    def run(self) -> None:
        """Begin the work of one round."""
        self._threads.append(threading.Thread(target=self._work))
        self._threads[-1].start()

    def _work(self) -> None:
        end_s = time.thread_time() + self._work_s
        while time.thread_time() < end_s:
            pass

    def forget(self) -> None:
        """Leave the warm-up behind, and its threads with it."""
        self.close()

    def close(self) -> None:
        """Wait for the work."""
        while self._threads:
            self._threads.pop().join()

    def check(self) -> list[str]:
        """There is no outcome."""
        return []

    def metrics(self) -> Mapping[str, Metric]:
        """There are none."""
        return {}


def test_work_in_the_background_is_noted_beside_the_rounds(tmp_path: Path) -> None:
    """Whatever a round leaves to a thread stands in the sum of what it took and what came after.

    CPU time of threads, which no load changes: three rounds of 30 ms cannot have cost less.
    """
    recorder = PretendedRecorder()
    measure(
        recorder,
        Postponing(work_s=0.03),
        name="postponing",
        folder=tmp_path,
        synchronous=Synchronous.NORMAL,
        rounds=3,
        warmup_rounds=0,
    )
    info = recorder.extra_info
    per_transition_s = info["cpu_outside_s"] + sum(info["cpu_rounds_s"]) / 3
    assert per_transition_s >= 0.03 / 2
    assert info["cpu_outside_s"] > 0
