"""Schedules of the simulation, and the very same calls by plain sqlite3 on fresh connections."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path

from benchmarks.workload import Metric
from fsmcore import Synchronous
from properties.simulation.rates import BLOCK_RUNS, TIMED, Ways
from properties.simulation.schedulers.random import RandomScheduler
from properties.simulation.stage import Stage

SEED = 1


class SimulatedRuns:
    """Random walks of one scenario; a round is a block of whole runs, each from fresh rows.

    The database lies where the simulation puts it, and its keeper decides what a commit waits for.
    """

    transitions_per_round = BLOCK_RUNS

    def __init__(self, name: str) -> None:
        """Open nothing yet."""
        self._name = name
        self._opened = contextlib.ExitStack()
        self._ways: Ways | None = None
        self._run_count = 0
        self._violations: list[str] = []

    @property
    def ways(self) -> Ways:
        """The ways over the one stage."""
        if self._ways is None:
            raise RuntimeError("set the workload up first.")
        return self._ways

    def setup(self, folder: Path, synchronous: Synchronous) -> None:  # noqa: ARG002 - see above
        """Open the stage, and learn how the subject connects."""
        stage = self._opened.enter_context(Stage(TIMED[self._name]()))
        self._ways = self._opened.enter_context(Ways(stage, RandomScheduler(SEED)))
        self._ways.warm_up()

    def run(self) -> None:
        """Walk a block of schedules."""
        self.ways.simulate()
        self._run_count += BLOCK_RUNS
        self._violations += [each.violation for each in self.ways.trials if each.violation]

    def forget(self) -> None:
        """Count from here."""
        self._run_count = 0

    def close(self) -> None:
        """Close the stage."""
        self._opened.close()

    def check(self) -> list[str]:
        """Return what the schedules broke: a simulation of a broken core is no measurement."""
        return self._violations if self._run_count else ["no schedule was run"]

    def metrics(self) -> Mapping[str, Metric]:
        """Return how many schedules the figures are made of, and the calls of one."""
        return {
            "schedule_count": self._run_count,
            "calls_per_schedule": sum(map(len, self.ways.scripts)) / BLOCK_RUNS,
        }


class PlainCalls:
    """The calls of the block that was just simulated, by plain sqlite3 and in the same order."""

    transitions_per_round = BLOCK_RUNS

    def __init__(self, simulated: SimulatedRuns) -> None:
        """Follow ``simulated``."""
        self._simulated = simulated

    def setup(self, folder: Path, synchronous: Synchronous) -> None:
        """Do nothing: the stage is the other's."""

    def run(self) -> None:
        """Make the calls."""
        self._simulated.ways.note_calls()
        self._simulated.ways.plain()

    def forget(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing: the stage is the other's."""

    def check(self) -> list[str]:
        """Return nothing: what was simulated has been judged."""
        return []

    def metrics(self) -> Mapping[str, Metric]:
        """Return nothing."""
        return {}
