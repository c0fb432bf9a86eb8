"""A store that is used for a very long time: what it keeps alive must not grow.

After each round of transitions three probes look: live Python objects after a full collection,
what SQLite has allocated, and the memory that the system says the process occupies. A line is
fitted through the second half of the samples (caches fill in the first), and its slope is what a
transition leaves behind. A slope within a probe's resolution is none; above it there is no figure.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import math
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks import database, ring
from benchmarks.subjects import Subject
from benchmarks.workload import Metric
from fsmcore import FsmCoreError, Synchronous
from properties.probes.memory import MemoryProbe

RESOLUTION = {"objects": 0.005, "sqlite_bytes": 1.0, "resident_bytes": 16.0}
"""For one transition: one object in 200; a byte of SQLite's; of the system's memory, which comes in
pages and is given back at malloc's pleasure, 16 bytes (1.6 MB in 100,000 transitions)."""

ERRORS = 3.0
"""How many standard errors a slope must be above its resolution to be one."""

STATM = Path("/proc/self/statm")


def resident_bytes() -> int:
    """Return what the process occupies; 0 where the system does not tell."""
    try:
        return int(STATM.read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0


class Line(NamedTuple):
    """A fitted slope and its standard error."""

    slope: float
    error: float

    def is_above(self, resolution: float) -> bool:
        """Whether it climbs by more than the resolution, chance allowed for."""
        return self.slope - ERRORS * self.error > resolution


def fitted(samples: Sequence[tuple[int, int]]) -> Line:
    """Fit by how much the second number grows with the first: least squares, second half."""
    half = samples[len(samples) // 2 :]
    middle_x = sum(x for x, _ in half) / len(half)
    middle_y = sum(y for _, y in half) / len(half)
    across = sum((x - middle_x) ** 2 for x, _ in half)
    if len(half) < 3 or not across:
        return Line(0.0, math.inf)
    slope = sum((x - middle_x) * (y - middle_y) for x, y in half) / across
    left = sum((y - middle_y - slope * (x - middle_x)) ** 2 for x, y in half)
    return Line(slope, math.sqrt(left / (len(half) - 2) / across))


class LongRun:
    """One task that moves one file for ever; nothing is noted but counts and samples."""

    def __init__(self, subject: Subject, *, transitions_per_round: int) -> None:
        """Open nothing yet."""
        self.transitions_per_round = transitions_per_round
        self._subject = subject
        self._attempt_ids = ring.attempt_ids()
        self._committed_count = 0
        self._samples: dict[str, list[tuple[int, int]]] = {name: [] for name in RESOLUTION}

    def setup(self, folder: Path, synchronous: Synchronous) -> None:
        """Make the database, start an event loop and open the subject in it."""
        self._path = folder / "long_run.sqlite3"
        (self._key,) = database.make(self._path, 1)
        self._runner = asyncio.Runner()
        self._runner.run(self._subject.open(self._path, synchronous, _ignored))

    def run(self) -> None:
        """Take one round of transitions, then sample."""
        self._runner.run(self._round())
        gc.collect()
        seen = {
            "objects": len(gc.get_objects()),
            "sqlite_bytes": MemoryProbe.used_bytes(),
            "resident_bytes": resident_bytes(),
        }
        for name, value in seen.items():
            self._samples[name].append((self._committed_count, value))

    async def _round(self) -> None:
        for attempt_id in itertools.islice(self._attempt_ids, self.transitions_per_round):
            await self._subject.transition(self._key, attempt_id)
            self._committed_count += 1

    def forget(self) -> None:
        """Do nothing: the samples of the beginning are left out of the line."""

    def close(self) -> None:
        """Close the subject and the event loop."""
        try:
            self._runner.run(self._subject.close())
        finally:
            self._runner.close()

    def lines(self) -> dict[str, Line]:
        """Return what each probe says a transition leaves behind."""
        return {name: fitted(samples) for name, samples in self._samples.items()}

    def check(self) -> list[str]:
        """Audit the file, and refuse what grows."""
        found = database.violations(self._path, self._committed_count)
        found += [
            f"a transition leaves {line.slope:.3g} ± {line.error:.1g} {name} behind; up to "
            f"{RESOLUTION[name]:g} is the probe's resolution"
            for name, line in self.lines().items()
            if line.is_above(RESOLUTION[name])
        ]
        return found

    def metrics(self) -> Mapping[str, Metric]:
        """Return the slopes for one transition, and the first and the last sample of each probe."""
        found: dict[str, Metric] = {"committed_count": self._committed_count}
        for name, line in self.lines().items():
            found[f"{name}_each"] = line.slope
            found[f"{name}_each_error"] = min(line.error, sys.float_info.max)
            found[f"first_{name}"] = self._samples[name][0][1]
            found[f"last_{name}"] = self._samples[name][-1][1]
        return found


def _ignored(_error: FsmCoreError, _tries: int, _wait_ms: float) -> None:
    """Take no note of a retry."""
