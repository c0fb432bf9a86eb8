"""One hot file, and many: tasks of one process that want to write at the same time.

Through the manager, whose file lock lets the tasks of one file queue, and through the store
alone, where every race is left to the version check and the retry policy.
"""

from __future__ import annotations

import pytest

from benchmarks.closed_loop import ClosedLoop
from benchmarks.conftest import Measure
from benchmarks.plain import raw_loop
from benchmarks.subjects import Managed, StoreOnly
from fsmcore import StateMachineAdapter

pytestmark = pytest.mark.benchmark(group="contention")

ROUNDS = 5
TRANSITIONS_PER_TASK = {1: 80, 8: 16, 32: 6}
"""Enough for a 99th percentile, few enough that the worst cell, 32 tasks that race for one row
without a lock, ends while somebody is still watching."""


@pytest.mark.parametrize("file_count", [1, 32])
@pytest.mark.parametrize("task_count", [1, 8, 32])
class TestContention:
    """Every number of tasks on every number of files."""

    def test_manager(self, measured: Measure, task_count: int, file_count: int) -> None:
        """The whole manager with python-statemachine."""
        self._measure(measured, Managed(StateMachineAdapter), task_count, file_count)

    def test_store(self, measured: Measure, task_count: int, file_count: int) -> None:
        """Compare-and-set with retries, without a machine and without the file lock."""
        self._measure(measured, StoreOnly(), task_count, file_count)

    def _measure(
        self, measured: Measure, subject: Managed | StoreOnly, task_count: int, file_count: int
    ) -> None:
        loop = ClosedLoop(
            subject,
            transitions_per_round=task_count * TRANSITIONS_PER_TASK[task_count],
            task_count=task_count,
            file_count=file_count,
            may_give_up=True,
        )
        measured(loop, rounds=ROUNDS, warmup_rounds=1, beside=raw_loop())
