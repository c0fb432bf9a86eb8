"""Transitions that are wanted at given moments, whether or not the earlier ones are done.

A closed loop asks less while it waits, so a stall shows once where it would have hit everybody who
came meanwhile: "coordinated omission" (G. Tene, "How NOT to Measure Latency", 2013). Here arrivals
follow a Poisson process, and the latency of each counts from the moment at which it was wanted, so
that waiting for the event loop itself counts too.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from collections.abc import Mapping
from pathlib import Path

from benchmarks.crowd import Crowd
from benchmarks.samples import latencies
from benchmarks.workload import Metric
from fsmcore import Synchronous

NS = 1_000_000_000
UTILISATION = 0.7
"""Of what the same tasks manage in a closed loop: busy, and short of drowning."""
PROBE_TRANSITIONS = 64
TASKS_IN_PROBE = 8


class OpenLoop(Crowd):
    """A rate of arrivals, set by what the subject manages when it is pushed.

    ``setup`` measures that for a moment; ``utilisation`` is the share of it that then arrives.
    """

    utilisation = UTILISATION
    rate_per_s = 0.0

    def setup(self, folder: Path, synchronous: Synchronous) -> None:
        """Make the database, open the subject, and find out how much it takes."""
        super().setup(folder, synchronous)
        self._draw = random.Random(0)
        self._numbers = itertools.count()
        self._late_us: list[int] = []
        self._response_us: list[int] = []
        speeds = [self._runner.run(self._probe()) for _ in range(3)]
        self.rate_per_s = self.utilisation * sorted(speeds)[1]

    async def _probe(self) -> float:
        began_ns = time.perf_counter_ns()
        stock = iter(range(PROBE_TRANSITIONS))

        async def work(index: int) -> None:
            for _ in stock:
                await self.attempt(f"probe {index}", self.next_ticket())

        async with asyncio.TaskGroup() as tasks:
            for index in range(TASKS_IN_PROBE):
                tasks.create_task(work(index))
        return PROBE_TRANSITIONS * NS / (time.perf_counter_ns() - began_ns)

    def forget(self) -> None:
        """Drop latencies and counts."""
        super().forget()
        self._late_us.clear()
        self._response_us.clear()

    async def _ask(self) -> None:
        wanted_ns = time.perf_counter_ns()
        async with asyncio.TaskGroup() as tasks:
            for _ in range(self.transitions_per_round):
                wanted_ns += round(self._draw.expovariate(self.rate_per_s) * NS)
                left_s = (wanted_ns - time.perf_counter_ns()) / NS
                await asyncio.sleep(max(0.0, left_s))
                tasks.create_task(self._respond(wanted_ns))

    async def _respond(self, wanted_ns: int) -> None:
        self._late_us.append((time.perf_counter_ns() - wanted_ns) // 1000)
        await self.attempt(f"arrival {next(self._numbers)}", self.next_ticket())
        self._response_us.append((time.perf_counter_ns() - wanted_ns) // 1000)

    def metrics(self) -> Mapping[str, Metric]:
        """Return the crowd's figures, and latencies from the moment at which each was wanted."""
        return {
            **super().metrics(),
            "rate_per_s": self.rate_per_s,
            "utilisation": self.utilisation,
            **latencies(self._response_us, "response"),
            **latencies(self._late_us, "late"),
        }
