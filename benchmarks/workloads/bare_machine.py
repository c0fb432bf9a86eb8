"""A machine without a database: what the state machine library costs by itself."""

from __future__ import annotations

import asyncio
import collections
from collections.abc import Mapping
from pathlib import Path

from benchmarks import ring
from benchmarks.workload import Metric
from fsmcore import Edge, MachineFactory, Synchronous


class BareMachine:
    """Build a machine from a state, activate it, trigger one event, drop it; as an attempt does."""

    def __init__(self, machine: MachineFactory, *, transitions_per_round: int) -> None:
        """Build no machine yet."""
        self.transitions_per_round = transitions_per_round
        self._machine = machine
        self._state = ring.RING.initial
        self._asked_count = 0
        self._entered: collections.Counter[Edge] = collections.Counter()

    def setup(self, folder: Path, synchronous: Synchronous) -> None:  # noqa: ARG002 - no database
        """Start an event loop."""
        self._runner = asyncio.Runner()

    def run(self) -> None:
        """Take one round of transitions."""
        self._runner.run(self._round())

    async def _round(self) -> None:
        for _ in range(self.transitions_per_round):
            machine = self._machine(
                ring.RING,
                file_path="reports/0000.txt",
                state=self._state,
                ask_guard=self._allow,
                enter=self._enter,
            )
            self._asked_count += 1
            await machine.activate()
            await machine.trigger(ring.ADVANCE)

    async def _allow(self, edge: Edge) -> bool:  # noqa: ARG002 - every edge is allowed
        return True

    async def _enter(self, edge: Edge) -> None:
        self._entered[edge] += 1
        self._state = edge.target

    def forget(self) -> None:
        """Do nothing: nothing is noted but the edges taken."""

    def close(self) -> None:
        """Close the event loop."""
        self._runner.close()

    def check(self) -> list[str]:
        """Every event asked for entered once, along the ring, all edges equally often."""
        entered_count = self._entered.total()
        wrong = [f"took {edge}" for edge in self._entered if edge not in ring.RING.edges]
        if entered_count != self._asked_count:
            wrong.append(f"{self._asked_count} transitions asked for, {entered_count} entered")
        laps = entered_count // len(ring.RING.edges)
        wrong += [
            f"{edge} was taken {self._entered[edge]} times in {laps} laps of the ring"
            for edge in ring.RING.edges
            if not laps <= self._entered[edge] <= laps + 1
        ]
        return wrong

    def metrics(self) -> Mapping[str, Metric]:
        """Return how many transitions were taken."""
        return {"committed_count": self._entered.total()}
