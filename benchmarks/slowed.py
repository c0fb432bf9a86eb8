"""A workload made slower on purpose, by a known share of its own time: to test the stopwatch."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from benchmarks.workload import Metric, Workload
from fsmcore import Synchronous


class Slowed:
    """Runs a workload, and then works on for ``percent`` of the time that it took."""

    def __init__(self, workload: Workload, percent: float) -> None:
        """Wrap ``workload``; 0 percent changes nothing."""
        self._workload = workload
        self._share = percent / 100

    @property
    def transitions_per_round(self) -> int:
        """As many as the workload takes."""
        return self._workload.transitions_per_round

    def run(self) -> None:
        """Take one round, and spend the rest."""
        began_s = time.perf_counter()
        self._workload.run()
        now_s = time.perf_counter()
        end_s = now_s + (now_s - began_s) * self._share
        while time.perf_counter() < end_s:
            pass

    def setup(self, folder: Path, synchronous: Synchronous) -> None:
        """Set the workload up."""
        self._workload.setup(folder, synchronous)

    def forget(self) -> None:
        """Let the workload forget."""
        self._workload.forget()

    def close(self) -> None:
        """Close the workload."""
        self._workload.close()

    def check(self) -> list[str]:
        """Return what is wrong with the workload's outcome."""
        return self._workload.check()

    def metrics(self) -> Mapping[str, Metric]:
        """Return the workload's figures."""
        return self._workload.metrics()
