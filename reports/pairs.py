"""One epoch: fresh processes of both sides, alive side by side on one CPU, taking turns by rounds.

The baseline runs twice, so every epoch is also a comparison of one release with itself. What all
three share: the CPU (drawn anew for each epoch), the hash seed, the environment variables, the
folder. What is drawn: who starts first, and who goes first in each round. For one release against
itself any two sides may be exchanged, and that is all the sign test needs.

An epoch's number for a benchmark is the median, over its rounds, of the log ratio of two rounds
that were neighbours in time. A neighbour on the machine who slows one of them makes one outlier of
forty. The epoch is the independent unit: whatever a process got once (its memory layout, its CPU)
is in all of its rounds.
"""

import enum
import math
import os
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from reports import load
from reports.environments import measured_environ
from reports.kept import write_whole
from reports.load import BenchmarkFile, UnusableFileError
from reports.processes import Ended, Pulse
from reports.schema import Environment
from reports.statistics import median
from reports.together import TURNS, run_together
from reports.turns import Referee

EPOCHS = "ended-*.json"
"""The notes of epochs that have ended, in the folder of a pairing."""


class Side(enum.Enum):
    """Which of the two environments."""

    BASELINE = "baseline"
    CANDIDATE = "candidate"


class Seat(enum.Enum):
    """Which process of an epoch; the twin is the baseline once more."""

    BASELINE = "baseline"
    CANDIDATE = "candidate"
    TWIN = "baseline again"

    @property
    def side(self) -> Side:
        """The environment that it runs in."""
        return Side.CANDIDATE if self is Seat.CANDIDATE else Side.BASELINE


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What one process measured: the rounds of each benchmark, and what it ran.

    Seconds for one transition; `cpu_rounds_s` is the CPU time of all its threads, and
    `cpu_outside_s` what they took between the rounds and until the end, where noted.
    """

    rounds_s: Mapping[str, Sequence[float]]
    cpu_rounds_s: Mapping[str, Sequence[float]]
    cpu_outside_s: Mapping[str, float] = field(default_factory=dict)
    controls: frozenset[str]
    environment: Environment | None
    failure: str | None

    def middle_s(self, name: str) -> float:
        """The median round, for display."""
        return median(self.rounds_s[name])


@dataclass(frozen=True, slots=True, kw_only=True)
class Epoch:
    """The processes that ran together. `cpu` is None where they cannot be pinned."""

    sides: Mapping[Side, Measured]
    twin: Measured | None
    cpu: int | None
    elapsed_s: float

    def log_ratios(self) -> dict[str, float]:
        """Candidate over baseline, for the benchmarks that both measured."""
        return _log_ratios(self.sides[Side.CANDIDATE].rounds_s, self.sides[Side.BASELINE].rounds_s)

    def cpu_log_ratios(self) -> dict[str, float]:
        """The same of CPU time."""
        return _log_ratios(
            self.sides[Side.CANDIDATE].cpu_rounds_s, self.sides[Side.BASELINE].cpu_rounds_s
        )

    def hidden_shares(self) -> dict[str, float]:
        """What the candidate works outside its rounds more than the baseline; negative: less.

        A share of what both take in a round, in CPU time.
        """
        found = {}
        for name in self.cpu_log_ratios():
            before_s, after_s = (self.sides[side].cpu_outside_s.get(name) for side in Side)
            if before_s is not None and after_s is not None:
                inside_s = sum(median(self.sides[side].cpu_rounds_s[name]) for side in Side) / 2
                found[name] = (after_s - before_s) / inside_s
        return found

    def charged_log_ratio(self, name: str) -> float:
        """Candidate over baseline in CPU time, where what one hides stands in its own rounds.

        Wall time would not do: what works between the rounds works in the other side's.
        """
        outside_s = {side: self.sides[side].cpu_outside_s[name] for side in Side}
        charged = self.cpu_log_ratios()[name]
        for side, sign in ((Side.CANDIDATE, 1), (Side.BASELINE, -1)):
            more_s = outside_s[side] - min(outside_s.values())
            charged += sign * math.log1p(more_s / median(self.sides[side].cpu_rounds_s[name]))
        return charged

    def twin_log_ratios(self) -> dict[str, float]:
        """The baseline over itself."""
        if self.twin is None:
            return {}
        return _log_ratios(self.twin.rounds_s, self.sides[Side.BASELINE].rounds_s)

    @property
    def is_pinned(self) -> bool:
        """Whether every process proves that it stayed on the epoch's CPU."""
        return all(
            each.environment is not None and each.environment.cpu_affinity == [self.cpu]
            for each in self.sides.values()
        )


def _log_ratios(
    over: Mapping[str, Sequence[float]], under: Mapping[str, Sequence[float]]
) -> dict[str, float]:
    found = {}
    for name, rounds in under.items():
        others = over.get(name, ())
        if rounds and len(others) == len(rounds) and min(*others, *rounds) > 0:
            ratios = [math.log(a / b) for a, b in zip(others, rounds, strict=True)]
            found[name] = median(ratios)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """How the processes of one epoch ended, as it is noted beside their files."""

    cpu: int | None
    ended: dict[Seat, Ended]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairing:
    """How epochs are run: what starts a module on each side, where, and the randomness.

    An epoch that has ended leaves a note in `scratch`, and whoever goes on reads it there. With
    `slowdown_percent` the candidate does so much more work, to see whether it is found; `cpus` are
    those to draw from, in place of all that are usable; `controls` are the benchmarks that nothing
    which differs between the sides can touch.
    """

    starts: Mapping[Side, Sequence[str]]
    checkout: Path
    scratch: Path
    limit_s: float
    draw: random.Random
    pulse: Pulse
    group: str = "gate"
    slowdown_percent: float = 0.0
    controls: frozenset[str] = frozenset({"control"})
    cpus: Sequence[int] | None = None
    _count: list[int] = field(default_factory=lambda: [0])

    def epoch(self, only: Sequence[str] | None = None) -> Epoch:
        """One epoch of `only` these benchmarks by their short names, as it was left or run now.

        Epochs of an earlier run come first, in their order, whatever is wanted now.
        """
        self._count[0] += 1
        note = self.scratch / f"ended-{self._count[0]:03d}.json"
        if note.exists():
            run = msgspec.json.decode(note.read_bytes(), type=_Run)
        else:
            run = self._run(only)
            write_whole(note, msgspec.json.encode(run))
        measured = {}
        for seat, each in run.ended.items():
            failure = None
            if each.exit_code is None:
                failure = f"it was killed after {each.elapsed_s:.0f} s"
            elif each.exit_code != 0:
                failure = f"it ended with exit code {each.exit_code}: {each.last_words}"
            out = self.scratch / f"{self._stem(seat)}.json"
            measured[seat] = _read(out, failure, self.controls)
        return Epoch(
            sides={side: measured[Seat(side.value)] for side in Side},
            twin=measured[Seat.TWIN],
            cpu=run.cpu,
            elapsed_s=max(each.elapsed_s for each in run.ended.values()),
        )

    def _stem(self, seat: Seat) -> str:
        # Names of equal length: the path of a file is part of the process's memory layout.
        return f"{self._count[0]:03d}-{list(Seat).index(seat)}"

    def _run(self, only: Sequence[str] | None) -> _Run:
        cpus = _usable_cpus() if self.cpus is None else self.cpus
        cpu = self.draw.choice(cpus) if cpus else None
        environ = measured_environ(self.draw.randrange(2**32))
        seats = list(Seat)
        self.draw.shuffle(seats)
        stems = {seat: self._stem(seat) for seat in seats}
        ended = run_together(
            {seat: self._command(seat, stems[seat], only) for seat in seats},
            Referee(seats, self.draw),
            folder=self.checkout,
            environ=environ,
            logs={seat: self.scratch / f"{stems[seat]}.log" for seat in seats},
            limit_s=self.limit_s,
            pulse=self.pulse,
            cpu=cpu,
        )
        return _Run(cpu=cpu, ended=ended)

    def _command(self, seat: Seat, stem: str, only: Sequence[str] | None) -> list[str]:
        out = self.scratch / f"{stem}.json"
        module = ["benchmarks", "--group", self.group, "--json", str(out), "--turns", TURNS]
        chosen = [] if only is None else ["-k", " or ".join(f"test_{each}" for each in only)]
        # Zero is handed on too: all command lines are of the same make.
        slowdown = self.slowdown_percent if seat is Seat.CANDIDATE else 0.0
        if self.slowdown_percent:
            chosen = [f"--benchmarks-slowdown={slowdown:07.3f}", *chosen]
        return [*self.starts[seat.side], *module, *(["--", *chosen] if chosen else [])]


def _read(out: Path, failure: str | None, controls: frozenset[str]) -> Measured:
    """A process that failed has measured nothing, whatever stands in its file."""
    found: BenchmarkFile | None = None
    if failure is None:
        try:
            found = load.load(out)
        except UnusableFileError as error:
            failure = str(error)
    benchmarks = {_name(full): each for full, each in found.benchmarks.items()} if found else {}
    return Measured(
        rounds_s={name: each.rounds_s for name, each in benchmarks.items()},
        cpu_rounds_s={name: each.cpu_rounds_s for name, each in benchmarks.items()},
        cpu_outside_s={
            name: each.cpu_outside_s
            for name, each in benchmarks.items()
            if each.cpu_outside_s is not None
        },
        controls=controls & benchmarks.keys(),
        environment=found.environment if found else None,
        failure=failure,
    )


def _name(full_name: str) -> str:
    """A benchmark's name without its file; parameters stay, or two would become one."""
    return full_name.rpartition("::")[2].removeprefix("test_")


def _usable_cpus() -> list[int]:
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
