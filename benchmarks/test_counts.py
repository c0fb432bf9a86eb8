"""What a transition does, in lock-step: 1 to 32 writers on 1, 4 and 100 files, each model.

The clock of these records is the simulation's own speed and means nothing; the counts are exact.
"""

from __future__ import annotations

import pytest

from benchmarks import ring
from benchmarks.conftest import Measure
from benchmarks.counting.lanes import simulated
from benchmarks.counting.lock_step import Contention, LockStep
from benchmarks.models import WAYS
from benchmarks.sizes import sized
from benchmarks.subjects import Deciding, Managed
from fsmcore import HandRolledAdapter, MachineFactory, StateMachineAdapter

pytestmark = pytest.mark.benchmark(group="counts")

ROUNDS = 2
TRANSITIONS = 48
ADAPTERS: dict[str, MachineFactory] = {
    "statemachine": StateMachineAdapter,
    "handrolled": HandRolledAdapter,
}


@pytest.mark.parametrize("file_count", sized([1, 100], full=[1, 4, 100]))
@pytest.mark.parametrize("writer_count", sized([1, 8], full=[1, 2, 4, 8, 16, 32]))
@pytest.mark.parametrize("way", WAYS)
def test_writers(measured: Measure, way: str, writer_count: int, file_count: int) -> None:
    """The whole manager with python-statemachine."""
    _count(measured, way, "statemachine", writer_count, file_count)


@pytest.mark.parametrize("writer_count", sized([8], full=[1, 8]))
@pytest.mark.parametrize("way", WAYS)
def test_handrolled(measured: Measure, way: str, writer_count: int) -> None:
    """The machine written by hand must do the same; only the Python calls may differ."""
    _count(measured, way, "handrolled", writer_count, 1)


@pytest.mark.parametrize("writer_count", sized([8], full=[1, 8]))
@pytest.mark.parametrize("way", WAYS)
def test_deciders(measured: Measure, way: str, writer_count: int) -> None:
    """Callers who read, decide, and ask for an event that may no longer be allowed."""
    lock_step = LockStep(
        Contention(
            make_subject=lambda: Deciding(StateMachineAdapter, simulated(WAYS[way])),
            writer_count=writer_count,
            file_count=1,
            transitions_per_round=TRANSITIONS,
            lifecycle=ring.NAMED_RING,
            may_reject=True,
        ),
        labels={"way": way, "adapter": "statemachine"},
    )
    measured(lock_step, rounds=ROUNDS, warmup_rounds=0)


def _count(measured: Measure, way: str, adapter: str, writer_count: int, file_count: int) -> None:
    lock_step = LockStep(
        Contention(
            make_subject=lambda: Managed(ADAPTERS[adapter], simulated(WAYS[way])),
            writer_count=writer_count,
            file_count=file_count,
            transitions_per_round=TRANSITIONS,
        ),
        labels={"way": way, "adapter": adapter},
    )
    measured(lock_step, rounds=ROUNDS, warmup_rounds=0)
