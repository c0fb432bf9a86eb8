"""A long run whose memory grows leaves no figure, and one that is flat says how flat."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.ledger import Moved
from benchmarks.subjects import StoreOnly, Subject
from benchmarks.tests.recorders import PretendedRecorder
from benchmarks.workload import WrongResultError, measure
from benchmarks.workloads.long_run import RESOLUTION, LongRun, fitted
from fsmcore import Synchronous


class Hoarding(StoreOnly):
    """Keeps one object of every other transition."""

    def __init__(self) -> None:
        super().__init__()
        self._hoard: list[list[str]] = []
        self._count = 0

    async def transition(self, key: str, attempt_id: str) -> Moved:
        """Move the row, and keep something."""
        self._count += 1
        if self._count % 2 == 0:
            self._hoard.append([attempt_id])
        return await super().transition(key, attempt_id)


def run_long(subject: Subject, folder: Path, *, rounds: int) -> PretendedRecorder:
    """Run so many rounds of a hundred."""
    recorder = PretendedRecorder()
    measure(
        recorder,
        LongRun(subject, transitions_per_round=100),
        name="long run",
        folder=folder,
        synchronous=Synchronous.NORMAL,
        rounds=rounds,
        warmup_rounds=0,
    )
    return recorder


def test_one_object_in_two_transitions_is_found(tmp_path: Path) -> None:
    """Small enough to be missed by a look at the system's memory."""
    with pytest.raises(WrongResultError, match=r"leaves 0\.[45]\d* ± \S+ objects behind"):
        run_long(Hoarding(), tmp_path, rounds=16)


def test_a_flat_run_says_how_flat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system's memory is left out: malloc needs more than sixteen hundred transitions."""
    monkeypatch.setitem(RESOLUTION, "resident_bytes", float("inf"))
    monkeypatch.setitem(RESOLUTION, "sqlite_bytes", float("inf"))
    info = run_long(StoreOnly(), tmp_path, rounds=16).extra_info
    assert (1600, True) == (info["committed_count"], "objects_each" in info)


def test_a_slope_is_that_of_the_second_half() -> None:
    """What fills a cache and then stops is no leak; a steady climb is, whatever came before."""
    filling = [(n, min(n, 40)) for n in range(0, 100, 10)]
    climbing = [(n, 3 * n) for n in range(0, 100, 10)]
    assert (0.0, 3.0) == (fitted(filling).slope, fitted(climbing).slope)
    assert fitted(climbing).is_above(2.9)


def test_a_step_is_no_climb() -> None:
    """One cache that fills late moves the line, and its error with it."""
    stepping = fitted([(n, 100 if n >= 80 else 0) for n in range(0, 100, 10)])
    assert stepping.slope > 1
    assert not stepping.is_above(0.0)
