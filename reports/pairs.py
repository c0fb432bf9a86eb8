"""One epoch: two fresh processes, one a side, on one CPU, in random order.

What the two sides share: the CPU (drawn anew for each epoch), the hash seed, the environment
variables and the log's folder. What is random: who goes first. For one release against itself the
two sides may therefore be exchanged, and that is all that the sign test needs.

Choices: the processes run one after the other, so a change of the machine between them enters the
epoch; it does so with either sign and makes intervals wider, not wrong. To keep neighbours out, a
process's number is its least disturbed round, not the median of its rounds (so does `timeit`: what
takes longer than the least was interrupted, not slower). Beside four busy sessions on two CPUs the
log ratios of medians scattered by 0.13 to 0.32 (median absolute deviation) and were off by half;
those of least rounds scattered by 0.02 to 0.13. A round holds several transitions, so a slowdown
of every few transitions still shows; one that spares whole rounds does not, nor does a longer tail.
"""

import enum
import math
import os
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from reports import load
from reports.load import UnusableFileError
from reports.processes import Pulse, clean_environ, run
from reports.schema import Environment


class Side(enum.Enum):
    """Which of the two environments."""

    BASELINE = "baseline"
    CANDIDATE = "candidate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What one process measured: the undisturbed cost of each benchmark, and what it ran."""

    undisturbed_s: Mapping[str, float]
    controls: frozenset[str]
    environment: Environment | None
    failure: str | None
    elapsed_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Epoch:
    """A pair. `cpu` is None where processes cannot be pinned."""

    sides: Mapping[Side, Measured]
    cpu: int | None
    elapsed_s: float

    def log_ratios(self) -> dict[str, float]:
        """Candidate over baseline for the benchmarks that both sides measured."""
        before, after = self.sides[Side.BASELINE], self.sides[Side.CANDIDATE]
        return {
            name: math.log(after.undisturbed_s[name] / before.undisturbed_s[name])
            for name in before.undisturbed_s
            if name in after.undisturbed_s
        }

    @property
    def is_pinned(self) -> bool:
        """Whether both processes prove that they stayed on the epoch's CPU."""
        return all(
            each.environment is not None and each.environment.cpu_affinity == [self.cpu]
            for each in self.sides.values()
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairing:
    """How epochs are run: both interpreters, where, and the randomness."""

    pythons: Mapping[Side, Path]
    checkout: Path
    scratch: Path
    limit_s: float
    draw: random.Random
    pulse: Pulse
    group: str = "gate"
    _count: list[int] = field(default_factory=lambda: [0])

    def epoch(self) -> Epoch:
        """Run one pair now."""
        cpu = self.draw.choice(_usable_cpus()) if _usable_cpus() else None
        environ = clean_environ(
            PYTHONHASHSEED=str(self.draw.randrange(2**32)), PYTHONNOUSERSITE="1"
        )
        order = list(Side)
        self.draw.shuffle(order)
        self._count[0] += 1
        measured = {side: self._measure(side, cpu, environ) for side in order}
        return Epoch(
            sides=measured, cpu=cpu, elapsed_s=sum(each.elapsed_s for each in measured.values())
        )

    def _measure(self, side: Side, cpu: int | None, environ: dict[str, str]) -> Measured:
        # Names of equal length: the path of a file is part of the process's memory layout.
        stem = f"{self._count[0]:03d}-{list(Side).index(side)}"
        out = self.scratch / f"{stem}.json"
        module = ["-m", "benchmarks", "--group", self.group, "--json", str(out)]
        ended = run(
            [str(self.pythons[side]), *module],
            folder=self.checkout,
            environ=environ,
            log=self.scratch / f"{stem}.log",
            limit_s=self.limit_s,
            pulse=self.pulse,
            cpu=cpu,
        )
        failure = None
        if ended.exit_code is None:
            failure = f"it was killed after {ended.elapsed_s:.0f} s"
        elif ended.exit_code != 0:
            failure = f"it ended with exit code {ended.exit_code}: {ended.last_words}"
        return _read(out, failure, ended.elapsed_s)


def _read(out: Path, failure: str | None, elapsed_s: float) -> Measured:
    """A process that failed has measured nothing, whatever stands in its file."""
    found = None
    if failure is None:
        try:
            found = load.load(out)
        except UnusableFileError as error:
            failure = str(error)
    benchmarks = found.benchmarks if found else {}
    return Measured(
        undisturbed_s={name: min(each.rounds_s) for name, each in benchmarks.items()},
        controls=frozenset(name for name, each in benchmarks.items() if each.is_control),
        environment=found.environment if found else None,
        failure=failure,
        elapsed_s=elapsed_s,
    )


def _usable_cpus() -> list[int]:
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
