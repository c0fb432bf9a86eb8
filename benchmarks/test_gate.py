"""The few benchmarks that a gate runs again and again in fresh processes that take turns.

Rounds of 2 to 5 ms, many of them, with the collector off inside a round: a round is short enough
to fall between two interruptions, and the median of many is quiet.
"""

from __future__ import annotations

import pytest

from benchmarks.closed_loop import ClosedLoop
from benchmarks.conftest import Measure
from benchmarks.plain import PlainLoop
from benchmarks.subjects import Managed, StoreOnly
from benchmarks.workloads.bare_machine import BareMachine
from fsmcore import StateMachineAdapter

pytestmark = pytest.mark.benchmark(group="gate", disable_gc=True)

ROUNDS = 40


def test_control(measured: Measure) -> None:
    """sqlite3 alone, which no upgrade can touch.

    It checkpoints little and often, so that every round holds about as much of that as the next.
    """
    loop = PlainLoop(fresh_connection=False, transitions_per_round=60, autocheckpoint_pages=100)
    measured(loop, rounds=ROUNDS)


def test_bare_machine(measured: Measure) -> None:
    """python-statemachine through its adapter, without a database."""
    measured(BareMachine(StateMachineAdapter, transitions_per_round=6), rounds=ROUNDS)


def test_aiosqlite_transaction(measured: Measure) -> None:
    """aiosqlite through the store, a fresh connection a transition, without a machine."""
    measured(ClosedLoop(StoreOnly(), transitions_per_round=3), rounds=ROUNDS)


def test_manager(measured: Measure) -> None:
    """The whole transition, as an application pays for it."""
    measured(ClosedLoop(Managed(StateMachineAdapter), transitions_per_round=2), rounds=ROUNDS)
