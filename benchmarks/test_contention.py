"""Tasks of one process that want to write at the same time, by what gets in their way.

Through the manager, whose file lock lets the tasks of one file queue, for every connection model;
and through the store alone without a lock, where every race is left to the version check and the
retry policy.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from benchmarks.closed_loop import ClosedLoop
from benchmarks.conftest import Measure
from benchmarks.models import MODELS, UNLOCKED
from benchmarks.plain import raw_loop
from benchmarks.sizes import sized
from benchmarks.subjects import Managed, StoreOnly
from benchmarks.workloads.cancellations import cancellations
from benchmarks.workloads.checkpoint_pressure import checkpoint_pressure
from benchmarks.workloads.hot_file import hot_file
from benchmarks.workloads.many_files import many_files
from benchmarks.workloads.process_pool import ProcessPool
from benchmarks.workloads.readers_beside_writers import readers_beside_writers
from benchmarks.workloads.zipf_files import zipf_files
from fsmcore import StateMachineAdapter

pytestmark = pytest.mark.benchmark(group="contention")

ROUNDS = 5
TRANSITIONS_PER_TASK = {1: 64, 8: 8, 32: 4}
"""Enough for a 99th percentile, few enough that the worst cell, 32 tasks that race for one row
without a lock, ends while somebody is still watching."""

WORKLOADS: dict[str, Callable[..., ClosedLoop]] = {
    "hot_file": hot_file,
    "many_files": many_files,
    "zipf_files": zipf_files,
    "readers_beside_writers": readers_beside_writers,
    "checkpoint_pressure": checkpoint_pressure,
    "cancellations": cancellations,
}


@pytest.mark.parametrize("task_count", sized([8], full=[1, 8, 32]))
@pytest.mark.parametrize("way", MODELS)
@pytest.mark.parametrize("workload", WORKLOADS)
def test_manager(measured: Measure, workload: str, way: str, task_count: int) -> None:
    """The whole manager with python-statemachine."""
    subject = Managed(StateMachineAdapter, MODELS[way])
    transitions = task_count * TRANSITIONS_PER_TASK[task_count]
    loop = WORKLOADS[workload](subject, task_count=task_count, transitions_per_round=transitions)
    measured(loop, rounds=ROUNDS, warmup_rounds=1, beside=raw_loop(), way=way, asked=workload)


@pytest.mark.parametrize("task_count", sized([8], full=[1, 8, 32]))
@pytest.mark.parametrize("way", UNLOCKED)
def test_race(measured: Measure, way: str, task_count: int) -> None:
    """Compare-and-set with retries on the hot file, and no lock but SQLite's."""
    transitions = task_count * TRANSITIONS_PER_TASK[task_count]
    loop = hot_file(
        StoreOnly(UNLOCKED[way].connections),
        task_count=task_count,
        transitions_per_round=transitions,
    )
    measured(loop, rounds=ROUNDS, warmup_rounds=1, beside=raw_loop(), way=way, asked="hot_file")


@pytest.mark.parametrize("way", MODELS)
def test_pool(measured: Measure, way: str) -> None:
    """Two processes of four tasks on one file."""
    pool = ProcessPool(
        way, process_count=2, tasks_per_process=4, file_count=1, transitions_per_process=48
    )
    measured(pool, rounds=ROUNDS, warmup_rounds=1, beside=raw_loop(), asked="process_pool")
