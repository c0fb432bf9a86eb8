"""Tasks that share a stock of transitions, each asking for the next one when its last is done.

A closed loop: a slow transition delays the next one of its task, so waiting that an open system
would see is left out of the percentiles ("coordinated omission"). They compare one model with
another under the same number of tasks; what arrivals at a given rate would wait is `open_loop`.
"""

from __future__ import annotations

import asyncio
import itertools
import statistics
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from benchmarks.crowd import Crowd
from benchmarks.samples import jain_index
from benchmarks.workload import Metric
from fsmcore import Synchronous


class ClosedLoop(Crowd):
    """So many tasks on so many files; each round shares one stock of transitions.

    The stock is shared, so a task that waits longer gets fewer of it: that is what Jain's index
    over the tasks shows.
    """

    def join(self, path: Path, keys: Sequence[str], synchronous: Synchronous) -> None:
        """Start an event loop and open the subject in it, on a database that is there."""
        self._fairness: list[float] = []
        super().join(path, keys, synchronous)

    def forget(self) -> None:
        """Drop latencies, shares and counts."""
        super().forget()
        self._fairness.clear()

    def metrics(self) -> Mapping[str, Metric]:
        """Return the crowd's figures, and how evenly the tasks shared the stock."""
        return {**super().metrics(), "jain_index": statistics.median(self._fairness)}

    async def _ask(self) -> None:
        stock = itertools.islice(iter(self.next_ticket, None), self.transitions_per_round)
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
            if await self.attempt(f"task {index}", ticket) is not None:
                shares[index] += 1
