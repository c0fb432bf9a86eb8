"""``nox -s determinism``: same choices twice, same transcript and same database file.

Each seed is walked at random on every carrier, in fresh interpreters with different hash seeds
(and on other Pythons, given with ``--python``), and replayed from its choices. One seed must have
one digest of the transcript and one of the checkpointed file. Where two differ, the first event
that does is shown.
"""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from properties.session import UsageError, at_least, end, parser, run
from properties.simulation.scenario import Trial
from properties.simulation.scenarios import SCENARIOS, scenario
from properties.simulation.schedulers.random import RandomScheduler
from properties.simulation.schedulers.replay import ReplayScheduler
from properties.simulation.stage import Stage
from properties.simulation.transcript import first_difference
from reports.schema import Verdict

CARRIERS = ("inline", "greenlet", "thread")
HASH_SEEDS = ("0", "1", "4242")
ROOT = Path(__file__).resolve().parents[2]


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


def emit(carrier_name: str, seeds: range) -> None:
    """Print the digests of a process of our own as JSON."""
    print(json.dumps(list(digests(carrier_name, seeds))))


def _child(python: str, hash_seed: str, carrier_name: str, seed_count: int) -> list[list[str]]:
    environment = dict(os.environ, PYTHONHASHSEED=hash_seed)
    command = [python, "-m", "properties.simulation.determinism", "--emit", carrier_name]
    done = subprocess.run(
        [*command, "--seeds", str(seed_count)],
        env=environment,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        check=True,
    )
    lines: list[list[str]] = json.loads(done.stdout)
    return lines


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    asked = parser("determinism", "One seed, one transcript: over carriers, hash seeds, Pythons.")
    asked.add_argument(
        "--seeds", type=at_least(1), default=52, help="how many, spread over scenarios"
    )
    asked.add_argument(
        "--python", action="append", default=[], metavar="PATH", help="another interpreter"
    )
    asked.add_argument("--carrier", action="append", choices=CARRIERS, help="only this one")
    asked.add_argument("--emit", metavar="CARRIER", help="print digests, judge nothing")
    options = asked.parse_args(arguments)
    if options.emit:
        emit(options.emit, range(options.seeds))
        return 0
    for python in options.python:
        if shutil.which(python) is None:
            raise UsageError(f"--python {python}: no such interpreter. Give the path of one.")
    carriers = tuple(options.carrier or CARRIERS)
    found: dict[str, dict[str, list[str]]] = {}
    run_count = 0
    for python in [sys.executable, *options.python]:
        for hash_seed in HASH_SEEDS:
            for carrier_name in carriers:
                way = f"{python} PYTHONHASHSEED={hash_seed} {carrier_name}"
                for seed, digest in _child(python, hash_seed, carrier_name, options.seeds):
                    found.setdefault(seed, {}).setdefault(digest, []).append(way)
                    run_count += 2
                print(f"{way}: {options.seeds} seeds", file=sys.stderr, flush=True)
    different = {seed: by for seed, by in found.items() if len(by) > 1}
    unstable = {seed: digest for seed, by in found.items() for digest in by if "differs" in digest}
    for seed, by in list(different.items())[:10]:
        print(f"seed {seed}: {len(by)} digests")
        for digest, ways in by.items():
            print(f"    {digest[:12]} on {', '.join(ways)}")
    for seed, digest in list(unstable.items())[:10]:
        print(f"seed {seed}: {digest}")
    verdict = Verdict.FAIL if different or unstable else Verdict.PASS
    ways_count = (1 + len(options.python)) * len(HASH_SEEDS) * len(carriers)
    summary = (
        f"{run_count} runs of {len(found)} seeds in {ways_count} ways, "
        f"{len(different) + len(unstable)} seeds with more than one digest"
    )
    figures = {
        "runs": run_count,
        "seeds": len(found),
        "ways": ways_count,
        "different": len(different),
        "replays that differ": len(unstable),
    }
    return end("determinism", verdict, summary, figures, options.record)


if __name__ == "__main__":
    run("determinism", main, shows_life="--emit" not in sys.argv)
