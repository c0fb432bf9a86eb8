"""Every workload that is measured moves real rows and passes its own check."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from benchmarks.bare_threads import LIMITS
from benchmarks.closed_loop import ClosedLoop
from benchmarks.ledger import Moved
from benchmarks.models import MODELS
from benchmarks.open_loop import OpenLoop
from benchmarks.plain import PlainLoop
from benchmarks.subjects import BareAiosqlite, Managed, OnRetry, StoreOnly
from benchmarks.tests.recorders import PretendedRecorder
from benchmarks.workload import Workload, measure
from benchmarks.workloads.bare_machine import BareMachine
from benchmarks.workloads.cancellations import cancellations
from benchmarks.workloads.checkpoint_pressure import checkpoint_pressure
from benchmarks.workloads.hot_file import hot_file
from benchmarks.workloads.many_files import many_files
from benchmarks.workloads.process_pool import ProcessPool
from benchmarks.workloads.readers_beside_writers import readers_beside_writers
from benchmarks.workloads.zipf_files import zipf_files
from fsmcore import DefinitionError, HandRolledAdapter, StateMachineAdapter, Synchronous


def by_model(name: str) -> Workload:
    """Return tasks that move files through the store, by a connection model."""
    store = StoreOnly(MODELS[name].connections)
    return ClosedLoop(store, transitions_per_round=7, task_count=3, file_count=4)


def bare(name: str) -> Workload:
    """Return the same by what a model does, without the store."""
    return ClosedLoop(LIMITS[name](), transitions_per_round=7, task_count=3, file_count=4)


WORKLOADS: dict[str, Callable[[], Workload]] = {
    "kept connection": lambda: PlainLoop(fresh_connection=False, transitions_per_round=7),
    "fresh connection": lambda: PlainLoop(fresh_connection=True, transitions_per_round=7),
    "aiosqlite, kept": lambda: ClosedLoop(
        BareAiosqlite(fresh_connection=False), transitions_per_round=7
    ),
    "aiosqlite, fresh": lambda: ClosedLoop(
        BareAiosqlite(fresh_connection=True), transitions_per_round=7
    ),
    "store": lambda: ClosedLoop(StoreOnly(), transitions_per_round=7),
    "manager, by hand": lambda: ClosedLoop(Managed(HandRolledAdapter), transitions_per_round=7),
    "manager": lambda: ClosedLoop(Managed(StateMachineAdapter), transitions_per_round=7),
    "manager, contended": lambda: ClosedLoop(
        Managed(StateMachineAdapter), transitions_per_round=7, task_count=3, file_count=2
    ),
    "hot file": lambda: hot_file(manager(), task_count=3, transitions_per_round=7),
    "many files": lambda: many_files(manager(), task_count=3, transitions_per_round=7),
    "zipf files": lambda: zipf_files(manager(), task_count=3, transitions_per_round=7),
    "readers": lambda: readers_beside_writers(manager(), task_count=4, transitions_per_round=7),
    "checkpoints": lambda: checkpoint_pressure(manager(), task_count=2, transitions_per_round=7),
    "pool": lambda: ProcessPool(
        "per-transition", process_count=1, tasks_per_process=2, transitions_per_process=7
    ),
    **{f"store, {name}": partial(by_model, name) for name in MODELS},
    **{name: partial(bare, name) for name in LIMITS},
    "machine by hand": lambda: BareMachine(HandRolledAdapter, transitions_per_round=7),
    "machine": lambda: BareMachine(StateMachineAdapter, transitions_per_round=7),
}


def manager() -> Managed:
    """Return a subject of the default model."""
    return Managed(HandRolledAdapter)


def recorded(
    workload: Workload, folder: Path, *, beside: Workload | None = None
) -> PretendedRecorder:
    """Measure three rounds after one to warm up."""
    recorder = PretendedRecorder()
    measure(
        recorder,
        workload,
        name="workload",
        folder=folder,
        synchronous=Synchronous.FULL,
        rounds=3,
        warmup_rounds=1,
        beside=beside,
    )
    return recorder


@pytest.mark.parametrize("name", WORKLOADS)
def test_a_round_takes_its_transitions_once(name: str, tmp_path: Path) -> None:
    """Four rounds of seven are 28 transitions: no idle call and no call for a result adds one."""
    info = recorded(WORKLOADS[name](), tmp_path).extra_info
    assert (28, 7, "FULL") == (
        info["committed_count"],
        info["transitions_per_round"],
        info["synchronous"],
    )


def test_a_task_meets_no_lock_when_the_manager_lets_tasks_queue(tmp_path: Path) -> None:
    """With the file's lock no attempt is stale, and each task gets about as much of the work."""
    loop = ClosedLoop(Managed(HandRolledAdapter), transitions_per_round=24, task_count=4)
    info = recorded(loop, tmp_path).extra_info
    assert (0, 0) == (info["stale_count"], info["gave_up_count"])
    assert info["jain_index"] > 0.9


def test_a_race_for_one_row_shows_as_stale_tries(tmp_path: Path) -> None:
    """Without the file's lock all tasks read one version, and one of them wins."""
    loop = ClosedLoop(StoreOnly(), transitions_per_round=24, task_count=4)
    info = recorded(loop, tmp_path).extra_info
    assert info["stale_count"] > 0
    assert info["busy_count"] + info["stale_count"] == info["retry_count"] + info["gave_up_count"]


def test_latencies_are_kept_raw_for_measured_rounds_only(tmp_path: Path) -> None:
    """Three rounds of seven attempts; the ones that warmed up are forgotten."""
    info = recorded(WORKLOADS["store"](), tmp_path).extra_info
    assert 21 == len(info["latencies_us"]) == info["attempt_count"]
    assert info["latency_p50_us"] <= info["latency_p99_us"] <= info["latency_max_us"]


def test_the_raw_loop_runs_once_after_each_round(tmp_path: Path) -> None:
    """A share is taken between neighbours, so there is one neighbour for each round."""
    beside = WORKLOADS["kept connection"]()
    recorder = recorded(WORKLOADS["machine by hand"](), tmp_path, beside=beside)
    info = recorder.extra_info
    assert 3 == len(info["raw_rounds_s"]) == len(info["raw_cpu_rounds_s"])
    assert 3 == len(info["own_cpu_rounds_s"])


def test_cpu_time_of_other_threads_is_not_the_loops_own(tmp_path: Path) -> None:
    """A transaction of the model with one thread is run there, and all of it is counted."""
    info = recorded(by_model("direct"), tmp_path, beside=WORKLOADS["kept connection"]()).extra_info
    for own_s, all_s in zip(info["own_cpu_rounds_s"], info["cpu_rounds_s"], strict=True):
        assert 0 < own_s < all_s


def test_an_open_loop_takes_what_arrives_and_counts_from_when_it_was_wanted(tmp_path: Path) -> None:
    """Probes come first; a response is never shorter than the attempt that it waited for."""
    info = recorded(OpenLoop(manager(), transitions_per_round=7), tmp_path).extra_info
    assert 28 + 3 * 64 == info["committed_count"]
    assert 21 == len(info["responses_us"]) == len(info["latencies_us"])
    assert info["response_max_us"] >= info["latency_max_us"] - 1  # rounded one by one
    assert info["rate_per_s"] > 0


def test_cancelled_callers_are_counted_and_the_journal_tells_what_became_of_them(
    tmp_path: Path,
) -> None:
    """Every fourth is cut off, sometimes too late; whoever was told of a commit has one."""
    loop = cancellations(manager(), task_count=3, transitions_per_round=16)
    info = recorded(loop, tmp_path).extra_info
    assert 0 < info["cancelled_count"] <= 12
    told = round(info["committed_share"] * info["attempt_count"])
    assert (48, 48) == (info["attempt_count"], told + info["cancelled_count"])


def test_processes_meet_in_the_database_and_in_one_ledger(tmp_path: Path) -> None:
    """Two processes on one row: both are told the truth, and it takes more than one try."""
    pool = ProcessPool("per-transition", process_count=2, transitions_per_process=12)
    info = recorded(pool, tmp_path).extra_info
    assert (96, 72) == (info["committed_count"], info["attempt_count"])


class Refusing:
    """A subject whose every transition fails for good."""

    async def open(self, path: Path, synchronous: Synchronous, on_retry: OnRetry) -> None:
        """Open nothing."""

    async def transition(self, key: str, attempt_id: str) -> Moved:
        """Refuse."""
        raise DefinitionError("refused for good")

    async def close(self) -> None:
        """Close nothing."""


@pytest.mark.parametrize("task_count", [1, 4])
def test_an_error_that_no_retry_heals_ends_the_workload_as_itself(
    task_count: int, tmp_path: Path
) -> None:
    """The reason must be readable in one line, not wrapped in a group of four."""
    loop = ClosedLoop(Refusing(), transitions_per_round=4, task_count=task_count)
    with pytest.raises(DefinitionError, match="refused for good"):
        recorded(loop, tmp_path)
