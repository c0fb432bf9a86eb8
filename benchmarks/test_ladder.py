"""The ladder: one task, one file, the same statements, one layer more on each rung.

Each round is followed by one of the raw loop, so that a rung's share of it is taken between
neighbours.
"""

from __future__ import annotations

import pytest

from benchmarks.bare_threads import LIMITS
from benchmarks.closed_loop import ClosedLoop
from benchmarks.conftest import Measure
from benchmarks.models import MODELS
from benchmarks.plain import PlainLoop, raw_loop
from benchmarks.subjects import BareAiosqlite, Managed, StoreOnly
from benchmarks.workloads.bare_machine import BareMachine
from benchmarks.workloads.many_files import many_files
from fsmcore import HandRolledAdapter, StateMachineAdapter

pytestmark = pytest.mark.benchmark(group="ladder")

ROUNDS = 30


def test_raw_loop(measured: Measure) -> None:
    """The limit: sqlite3 in a tight loop on one open connection.

    Measured beside itself: how far it is from 100 % is how far any share may be off.
    """
    measured(raw_loop(), rounds=ROUNDS, beside=raw_loop())


def test_fresh_connection(measured: Measure) -> None:
    """sqlite3, connected anew for each transition."""
    measured(
        PlainLoop(fresh_connection=True, transitions_per_round=100),
        rounds=ROUNDS,
        beside=raw_loop(),
    )


def test_aiosqlite_kept(measured: Measure) -> None:
    """aiosqlite on one open connection: each call is handed to a thread and back."""
    subject = BareAiosqlite(fresh_connection=False)
    measured(ClosedLoop(subject, transitions_per_round=60), rounds=ROUNDS, beside=raw_loop())


def test_aiosqlite_fresh(measured: Measure) -> None:
    """aiosqlite, connected anew for each transition: a thread more each time."""
    subject = BareAiosqlite(fresh_connection=True)
    measured(ClosedLoop(subject, transitions_per_round=30), rounds=ROUNDS, beside=raw_loop())


def test_store(measured: Measure) -> None:
    """The store: the same, safe to race and to cancel, with errors that say what to do."""
    measured(ClosedLoop(StoreOnly(), transitions_per_round=30), rounds=ROUNDS, beside=raw_loop())


def test_manager_handrolled(measured: Measure) -> None:
    """The manager with the machine written by hand: file lock, guard, event."""
    subject = Managed(HandRolledAdapter)
    measured(ClosedLoop(subject, transitions_per_round=30), rounds=ROUNDS, beside=raw_loop())


def test_manager_statemachine(measured: Measure) -> None:
    """The manager with python-statemachine: what an application pays."""
    subject = Managed(StateMachineAdapter)
    measured(ClosedLoop(subject, transitions_per_round=20), rounds=ROUNDS, beside=raw_loop())


def test_machine_handrolled(measured: Measure) -> None:
    """The machine written by hand alone, without a database."""
    measured(
        BareMachine(HandRolledAdapter, transitions_per_round=2000), rounds=ROUNDS, beside=raw_loop()
    )


def test_machine_statemachine(measured: Measure) -> None:
    """The python-statemachine machine alone, without a database."""
    measured(
        BareMachine(StateMachineAdapter, transitions_per_round=40), rounds=ROUNDS, beside=raw_loop()
    )


@pytest.mark.parametrize("task_count", [1, 32])
@pytest.mark.parametrize("way", MODELS)
def test_model(measured: Measure, way: str, task_count: int) -> None:
    """The store again, by each connection model: alone, and 32 tasks on 100 files."""
    model = MODELS[way]
    workload = many_files(
        StoreOnly(model.connections),
        task_count=task_count,
        transitions_per_round=max(32, 2 * task_count) * model.haste,
    )
    measured(workload, rounds=ROUNDS // 2, beside=raw_loop(), way=way)


@pytest.mark.parametrize("task_count", [1, 32])
@pytest.mark.parametrize("way", LIMITS)
def test_limit(measured: Measure, way: str, task_count: int) -> None:
    """The same statements, threads and hops without the store."""
    haste = MODELS[way.removesuffix(", bare")].haste
    workload = many_files(
        LIMITS[way](),
        task_count=task_count,
        transitions_per_round=max(32, 2 * task_count) * haste,
    )
    measured(workload, rounds=ROUNDS // 2, beside=raw_loop(), way=way)
