"""What stands in a finished file of pytest-benchmark, as far as the tables need it."""

from __future__ import annotations

import json
import statistics
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from reports.schema import Environment


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One benchmark: the rounds, in seconds for one transition, and what it noted beside them."""

    name: str
    full_name: str
    group: str
    rounds_s: list[float]
    extra_info: dict[str, Any]  # numbers and text, by the names of the workload's metrics

    @property
    def each_us(self) -> float:
        """The median round's time for one transition."""
        return statistics.median(self.rounds_s) * 1e6

    @property
    def per_s(self) -> float:
        """Transitions a second in the median round."""
        return 1 / statistics.median(self.rounds_s)

    @property
    def percent_of_raw(self) -> float | None:
        """How fast this is beside the raw loop: the median over rounds, each with its neighbour."""
        return self._percent("raw_rounds_s", self.rounds_s)

    @property
    def percent_of_raw_by_cpu(self) -> float | None:
        """The same by CPU time, which does not see who waits for a CPU, nor that two work."""
        return self._percent("raw_cpu_rounds_s", self.extra_info.get("cpu_rounds_s", []))

    def _percent(self, limit_name: str, rounds_s: list[float]) -> float | None:
        raw: list[float] | None = self.extra_info.get(limit_name)
        if raw is None:
            return None
        pairs = zip(raw, rounds_s, strict=True)
        return 100 * statistics.median([limit / taken for limit, taken in pairs])

    @property
    def spread_percent(self) -> float:
        """Half the distance between the quartiles of the rounds, in percent of the median."""
        if len(self.rounds_s) < 2:
            return 0.0
        low, middle, high = statistics.quantiles(self.rounds_s, n=4, method="inclusive")
        return (high - low) / middle * 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """One file."""

    results: list[Result]
    environment: Environment
    not_measured: dict[str, str]

    def named(self, name: str) -> Result | None:
        """Return the benchmark of that name, if it was measured."""
        return next((each for each in self.results if each.name == name), None)


def short_name(name: str) -> str:
    """`benchmarks/test_contention.py::TestContention::test_store[1-8]` is `store`."""
    return name.rpartition("::")[2].removeprefix("test_").partition("[")[0]


def load(path: Path) -> Finished:
    """Read a file that this package has written; any other is a ``KeyError``."""
    content = json.loads(path.read_text(encoding="utf-8"))
    return Finished(
        results=[
            Result(
                name=short_name(each["name"]),
                full_name=each["name"].removeprefix("test_"),
                group=each["group"],
                rounds_s=each["stats"]["data"],
                extra_info=each["extra_info"],
            )
            for each in content["benchmarks"]
        ],
        environment=msgspec.convert(content["machine_info"]["fsmcore_environment"], Environment),
        not_measured=content["fsmcore_not_measured"],
    )
