"""Throughput and latency as tasks and processes are added, for every connection model.

The store alone on 100 files: what scales is how a model gets its writes to SQLite. A Universal
Scalability Law is fitted to each (`scalability`). Arrivals at a rate stand beside the closed loop.
"""

from __future__ import annotations

import pytest

from benchmarks.conftest import Measure
from benchmarks.models import MODELS
from benchmarks.open_loop import OpenLoop
from benchmarks.plain import raw_loop
from benchmarks.sizes import sized
from benchmarks.subjects import StoreOnly
from benchmarks.workloads.many_files import FILES, many_files
from benchmarks.workloads.process_pool import ProcessPool

pytestmark = pytest.mark.benchmark(group="scaling")

ROUNDS = 5
TASKS = (1, 2, 4, 8, 16, 32)
ARRIVALS = 64
TRANSITIONS_PER_PROCESS = 32


@pytest.mark.parametrize("task_count", TASKS)
@pytest.mark.parametrize("way", MODELS)
def test_tasks(measured: Measure, way: str, task_count: int) -> None:
    """Tasks of one process."""
    model = MODELS[way]
    workload = many_files(
        StoreOnly(model.connections),
        task_count=task_count,
        transitions_per_round=max(48, 3 * task_count) * model.haste,
    )
    measured(workload, rounds=ROUNDS, warmup_rounds=1, beside=raw_loop(), way=way)


@pytest.mark.parametrize("process_count", [1, 2, 4])
@pytest.mark.parametrize("way", MODELS)
def test_processes(measured: Measure, way: str, process_count: int) -> None:
    """Processes of one task each."""
    pool = ProcessPool(
        way,
        process_count=process_count,
        file_count=FILES,
        transitions_per_process=TRANSITIONS_PER_PROCESS * MODELS[way].haste,
    )
    measured(pool, rounds=ROUNDS, warmup_rounds=1, beside=raw_loop())


@pytest.mark.parametrize("utilisation", sized([70], full=[30, 50, 70, 90]))
@pytest.mark.parametrize("way", MODELS)
def test_arrivals(measured: Measure, way: str, utilisation: int) -> None:
    """Arrivals at a share of what the model manages, latency from when each was wanted."""
    model = MODELS[way]
    workload = OpenLoop(
        StoreOnly(model.connections),
        transitions_per_round=ARRIVALS * model.haste,
        file_count=FILES,
        may_give_up=True,
    )
    workload.utilisation = utilisation / 100
    measured(workload, rounds=ROUNDS, warmup_rounds=1, way=way)
