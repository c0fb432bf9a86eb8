"""The `simulation` group times whole schedules of a core that is right, beside their very calls."""

from __future__ import annotations

import sqlite3
from functools import partial
from pathlib import Path

import pytest

from benchmarks.simulated import PlainCalls, SimulatedRuns
from fsmcore import Synchronous
from properties.simulation.rates import BLOCK_RUNS, TIMED
from properties.simulation.scenarios import scenario
from properties.simulation.transcript import Kind


def _run(workload: SimulatedRuns, folder: Path) -> list[str]:
    try:
        workload.setup(folder, Synchronous.NORMAL)
        workload.run()
        return workload.check()
    finally:
        workload.close()


def test_schedules_that_break_a_law_are_no_measurement(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A core that loses updates is faster, and its figures are refused; a right one's are not."""
    for name in ("lost-update-2", "occ-2"):
        monkeypatch.setitem(TIMED, name, partial(scenario, name))
    assert [] == _run(SimulatedRuns("occ-2"), tmp_path)
    broken = _run(SimulatedRuns("lost-update-2"), tmp_path)
    assert "2 attempts were told ok, and the value is 1" in broken
    assert ["no schedule was run"] == SimulatedRuns("occ-2").check()


def test_the_plain_calls_are_those_of_the_schedules(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All statements of the block, once each: a ratio to fewer calls would flatter."""
    workload = SimulatedRuns("occ-3")
    workload.setup(tmp_path, Synchronous.NORMAL)
    try:
        workload.run()
        connected: list[sqlite3.Connection] = []
        connect = workload.ways._connect

        def counted() -> sqlite3.Connection:
            connected.append(connect())
            return connected[-1]

        monkeypatch.setattr(workload.ways, "_connect", counted)
        PlainCalls(workload).run()
        told = workload.metrics()
        made = [
            event.what
            for trial in workload.ways.trials
            for event in trial.run.transcript.events
            if event.kind is Kind.CALL
        ]
        opened = [each for each in made if getattr(each, "operation", "") == "connect"]
        assert BLOCK_RUNS == told["schedule_count"] == len(workload.ways.trials)
        assert len(made) / BLOCK_RUNS == told["calls_per_schedule"]
        assert len(opened) == len(connected) == 3 * BLOCK_RUNS
    finally:
        workload.close()
