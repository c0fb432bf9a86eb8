"""Tasks that share a stock of transitions, each asking for the next one when its last is done.

A closed loop: a slow transition delays the next one of its task, so waiting that an open system
would see is left out of the percentiles ("coordinated omission"). They compare one model with
another under the same number of tasks; they are no promise about arrivals at a given rate.
"""

from __future__ import annotations

import asyncio
import itertools
import statistics
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks import database, ring
from benchmarks.samples import jain_index, percentile
from benchmarks.subjects import Subject
from benchmarks.workload import Metric
from fsmcore import FsmCoreError, StaleTransitionError, StoreBusyError, Synchronous


@dataclass(slots=True)
class Tally:
    """What went wrong on the way; a try that was made again and a final one count alike."""

    retry_count: int = 0
    busy_count: int = 0
    stale_count: int = 0
    gave_up_count: int = 0
    waited_ms: float = 0.0

    def note_retry(self, error: FsmCoreError, _tries: int, wait_ms: float) -> None:
        """Count a try that is made again."""
        self.retry_count += 1
        self.waited_ms += wait_ms
        self._note_kind(error)

    def note_giving_up(self, error: FsmCoreError) -> None:
        """Count an attempt whose last try failed."""
        self.gave_up_count += 1
        self._note_kind(error)

    def _note_kind(self, error: FsmCoreError) -> None:
        self.busy_count += isinstance(error, StoreBusyError)
        self.stale_count += isinstance(error, StaleTransitionError)


class ClosedLoop:
    """So many tasks on so many files; each round shares one stock of transitions.

    The stock is shared, so a task that waits longer gets fewer of it: that is what Jain's index
    over the tasks shows. Transition n goes to file n modulo the number of files.
    """

    def __init__(
        self,
        subject: Subject,
        *,
        transitions_per_round: int,
        task_count: int = 1,
        file_count: int = 1,
        may_give_up: bool = False,
    ) -> None:
        """Open nothing yet.

        An attempt that gives up takes its time and moves no row, so its round is no figure, unless
        ``may_give_up``: then ``committed_share`` says which part of the round was transitions.
        """
        self.transitions_per_round = transitions_per_round
        self._subject = subject
        self._task_count = task_count
        self._file_count = file_count
        self._may_give_up = may_give_up
        self._attempt_ids = ring.attempt_ids()
        self._tickets = itertools.count()
        self._committed = 0
        self._tally = Tally()
        self._latencies_ns: list[int] = []
        self._fairness: list[float] = []

    def setup(self, folder: Path, synchronous: Synchronous) -> None:
        """Make the database, start an event loop and open the subject in it."""
        self._path = folder / "closed_loop.sqlite3"
        self._keys = database.make(self._path, self._file_count)
        self._runner = asyncio.Runner()
        try:
            self._runner.run(self._subject.open(self._path, synchronous, self._note_retry))
        except BaseException:
            self._runner.close()
            raise

    def run(self) -> None:
        """Use up one stock; raises what a task met that trying again cannot heal."""
        try:
            self._runner.run(self._round())
        except BaseExceptionGroup as group:
            raise _first_of(group) from group

    def forget(self) -> None:
        """Drop latencies, shares and counts."""
        self._tally = Tally()
        self._latencies_ns.clear()
        self._fairness.clear()

    def close(self) -> None:
        """Close the subject and the event loop."""
        try:
            self._runner.run(self._subject.close())
        finally:
            self._runner.close()

    def check(self) -> list[str]:
        """Audit the file, and count those that gave up."""
        found = database.violations(self._path, self._committed)
        if self._tally.gave_up_count and not self._may_give_up:
            found.append(f"{self._tally.gave_up_count} attempts gave up, and were timed as if not")
        return found

    def metrics(self) -> Mapping[str, Metric]:
        """Return latencies of all attempts, those that gave up too, and what delayed them."""
        latencies_us = [round(each / 1000) for each in self._latencies_ns]
        return {
            "task_count": self._task_count,
            "file_count": self._file_count,
            "committed_count": self._committed,
            "attempt_count": len(latencies_us),
            "retry_count": self._tally.retry_count,
            "busy_count": self._tally.busy_count,
            "stale_count": self._tally.stale_count,
            "gave_up_count": self._tally.gave_up_count,
            "committed_share": (len(latencies_us) - self._tally.gave_up_count) / len(latencies_us),
            "waited_ms": self._tally.waited_ms,
            "latency_p50_us": percentile(latencies_us, 50),
            "latency_p99_us": percentile(latencies_us, 99),
            "latency_max_us": max(latencies_us),
            "jain_index": statistics.median(self._fairness),
            "latencies_us": latencies_us,
        }

    def _note_retry(self, error: FsmCoreError, tries: int, wait_ms: float) -> None:
        self._tally.note_retry(error, tries, wait_ms)

    async def _round(self) -> None:
        stock = itertools.islice(self._tickets, self.transitions_per_round)
        shares = [0] * self._task_count
        if self._task_count == 1:
            await self._work(0, stock, shares)
        else:
            async with asyncio.TaskGroup() as tasks:
                for index in range(self._task_count):
                    tasks.create_task(self._work(index, stock, shares))
        self._fairness.append(jain_index(shares))

    async def _work(self, index: int, stock: Iterator[int], shares: list[int]) -> None:
        for ticket in stock:
            began_ns = time.perf_counter_ns()
            try:
                await self._subject.transition(
                    self._keys[ticket % self._file_count], next(self._attempt_ids)
                )
            except FsmCoreError as error:
                if not error.retryable:
                    raise
                self._tally.note_giving_up(error)
            else:
                self._committed += 1
                shares[index] += 1
            self._latencies_ns.append(time.perf_counter_ns() - began_ns)


def _first_of(group: BaseExceptionGroup[BaseException]) -> BaseException:
    first = group.exceptions[0]
    return _first_of(first) if isinstance(first, BaseExceptionGroup) else first
