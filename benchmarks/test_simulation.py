"""The simulation: schedules a second, each beside the same calls by plain sqlite3.

The ratio is the bar: it is taken between neighbours, and survives a slow or busy host. Where the
rest of the time goes: ``python -m properties.simulation.rates``.
"""

from __future__ import annotations

import pytest

from benchmarks.conftest import Measure
from benchmarks.simulated import PlainCalls, SimulatedRuns

pytestmark = pytest.mark.benchmark(group="simulation")

ROUNDS = 30


def test_occ_3(measured: Measure) -> None:
    """Three attempts by bare aiosqlite."""
    _measure(measured, "occ-3")


def test_store_alone_3(measured: Measure) -> None:
    """Three contending transitions of the store, with backoff, opening and closing."""
    _measure(measured, "store-alone-3")


def test_store_3(measured: Measure) -> None:
    """The same through the manager, with the machine written by hand."""
    _measure(measured, "store-3")


def test_machine_3(measured: Measure) -> None:
    """The same through the manager, with python-statemachine."""
    _measure(measured, "machine-3")


def _measure(measured: Measure, name: str) -> None:
    simulated = SimulatedRuns(name)
    measured(simulated, rounds=ROUNDS, beside=PlainCalls(simulated))
