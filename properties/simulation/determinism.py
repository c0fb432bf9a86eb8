"""``nox -s determinism``: same choices twice, same transcript and same database file.

Each seed is walked at random on every carrier, in fresh interpreters with different hash seeds
(and on other Pythons, given with ``--python``), and replayed from its choices. One seed must have
one digest of the transcript and one of the checkpointed file. Where two differ, the first event
that does is shown. Which Pythons there are: ``properties.interpreters``.
"""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from properties.interpreters import Interpreter, equipped, here
from properties.session import ROOT, CannotJudgeError, at_least, end, parser, run
from properties.simulation.scenario import Trial
from properties.simulation.scenarios import SCENARIOS, scenario
from properties.simulation.schedulers.random import RandomScheduler
from properties.simulation.schedulers.replay import ReplayScheduler
from properties.simulation.stage import Stage
from properties.simulation.transcript import first_difference
from reports.schema import Verdict

CARRIERS = ("inline", "greenlet", "thread")
HASH_SEEDS = ("0", "1", "4242")
MODULE = "properties.simulation.determinism"
SHOWN = 10


def walk(stage: Stage, seed: int) -> Trial:
    """Walk one seed, with one cancellation and one early timer to spend."""
    budget = dataclasses.replace(stage.scenario.budget, cancellations=1, early_clocks=1)
    return stage.run(RandomScheduler(seed, fault_count=1), budget)


def again(stage: Stage, trial: Trial) -> Trial:
    """Replay a trial from its choices."""
    budget = dataclasses.replace(stage.scenario.budget, cancellations=1, early_clocks=1)
    return stage.run(ReplayScheduler(trial.run.deviations), budget)


def digest_of(trial: Trial) -> str:
    """Return both digests of a trial as one."""
    return f"{trial.run.transcript.digest()}:{trial.database_digest}"


def digests(carrier_name: str, seeds: range) -> Iterator[tuple[str, str]]:
    """Yield (seed and scenario, digest) for each walk, replayed on the way."""
    by_scenario = [SCENARIOS[seed % len(SCENARIOS)].name for seed in seeds]
    for name in dict.fromkeys(by_scenario):
        with Stage(scenario(name), carrier_name=carrier_name, fresh=True) as stage:
            for seed, chosen in zip(seeds, by_scenario, strict=True):
                if chosen != name:
                    continue
                first = walk(stage, seed)
                second = again(stage, first)
                digest = digest_of(first)
                if digest_of(second) != digest:
                    where = first_difference(first.run.transcript, second.run.transcript)
                    digest = f"replay differs: {where or 'the database files differ'}"
                yield f"{seed} {name}", digest


def emit(carrier_name: str, seeds: range, only: int | None) -> None:
    """Print the digests of a process of our own as JSON; of ``only`` one seed, its transcript."""
    if only is None:
        print(json.dumps(list(digests(carrier_name, seeds))))
        return
    subject = SCENARIOS[only % len(SCENARIOS)]
    with Stage(subject, carrier_name=carrier_name, fresh=True) as stage:
        print(json.dumps(walk(stage, only).run.transcript.lines()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One of the ways in which the same seeds are walked."""

    python: Interpreter
    hash_seed: str
    carrier_name: str

    def __str__(self) -> str:
        """Return what two runs print alike."""
        return f"{self.python.name} PYTHONHASHSEED={self.hash_seed} {self.carrier_name}"

    def ask(self, *arguments: str) -> Any:
        """Return what a process of this way emits; raises ``CannotJudgeError`` when it fails."""
        done = subprocess.run(
            [str(self.python.path), "-m", MODULE, "--emit", self.carrier_name, *arguments],
            env=dict(os.environ, PYTHONHASHSEED=self.hash_seed),
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            words = done.stderr.strip().splitlines() or ["it said nothing"]
            raise CannotJudgeError(f"{self}: ended with {done.returncode}: {words[-1]}")
        return json.loads(done.stdout)


def different(emitted: Mapping[Way, Sequence[Sequence[str]]]) -> dict[str, tuple[Way, Way, str]]:
    """Return for each seed with more than one digest two ways that differ, and in what.

    A file says which SQLite wrote it, so files are held against each other where that is the same.
    """
    first: dict[tuple[str, str], tuple[str, Way]] = {}
    found: dict[str, tuple[Way, Way, str]] = {}
    for way, lines in emitted.items():
        for seed, digest in lines:
            transcript, _, file = digest.partition(":")
            seen = {"transcripts": transcript, f"files of SQLite {way.python.sqlite}": file}
            for what, each in seen.items():
                known, other = first.setdefault((seed, what), (each, way))
                if known != each:
                    found.setdefault(seed, (other, way, what))
    return found


def _told(seed: str, one: Way, other: Way, what: str) -> Iterator[str]:
    """Say where two ways differ first."""
    yield f"seed {seed}: the {what} differ: {one}, and {other}"
    if what == "transcripts":
        number = seed.partition(" ")[0]
        pairs = zip_longest(one.ask("--only", number), other.ask("--only", number))
        for index, (mine, theirs) in enumerate(pairs):
            if mine != theirs:
                yield f"    first at event {index}: {mine!r}, and {theirs!r}"
                return
        yield "    and asked once more they do not: something decides that lasts between runs"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    asked = parser("determinism", "One seed, one transcript: over carriers, hash seeds, Pythons.")
    asked.add_argument(
        "--seeds", type=at_least(1), default=52, help="how many, spread over scenarios"
    )
    asked.add_argument(
        "--python",
        action="append",
        default=[],
        metavar="NAME",
        help="another one too: 3.12, python3.12 or a path; the lock's libraries are fetched for it",
    )
    asked.add_argument("--carrier", action="append", choices=CARRIERS, help="only this one")
    asked.add_argument("--emit", metavar="CARRIER", help="print digests, judge nothing")
    asked.add_argument("--only", type=at_least(0), metavar="SEED", help="emit its transcript")
    options = asked.parse_args(arguments)
    if options.emit:
        emit(options.emit, range(options.seeds), options.only)
        return 0
    ours = here()
    pythons = [ours, *(equipped(each, ours) for each in options.python)]
    ways = [
        Way(python=python, hash_seed=hash_seed, carrier_name=carrier_name)
        for python in pythons
        for hash_seed in HASH_SEEDS
        for carrier_name in options.carrier or CARRIERS
    ]
    emitted: dict[Way, list[list[str]]] = {}
    for way in ways:
        emitted[way] = way.ask("--seeds", str(options.seeds))
        print(f"{way}: {options.seeds} seeds", file=sys.stderr, flush=True)
    differing = different(emitted)
    unstable = {
        seed: digest for lines in emitted.values() for seed, digest in lines if "differs" in digest
    }
    for seed, (one, other, what) in list(differing.items())[:SHOWN]:
        print(*_told(seed, one, other, what), sep="\n")
    for seed, digest in list(unstable.items())[:SHOWN]:
        print(f"seed {seed}: {digest}")
    bad_count = len(differing.keys() | unstable.keys())
    run_count = 2 * sum(map(len, emitted.values()))
    summary = (
        f"{run_count} runs of {options.seeds} seeds in {len(ways)} ways, "
        f"{bad_count} seeds with more than one digest"
    )
    figures = {
        "runs": run_count,
        "seeds": options.seeds,
        "ways": len(ways),
        "pythons": ", ".join(each.name for each in pythons),
        "different": len(differing),
        "replays that differ": len(unstable),
    }
    verdict = Verdict.FAIL if bad_count else Verdict.PASS
    return end("determinism", verdict, summary, figures, options.record)


if __name__ == "__main__":
    run("determinism", main, shows_life="--emit" not in sys.argv)
