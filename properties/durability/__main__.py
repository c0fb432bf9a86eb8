"""`nox -s durability`: several real processes commit and checkpoint one file, some are killed, and
every acknowledged transition is re-read.

What a process was told is committed is the truth; a row of it that nobody can read any more is
lost, whatever `integrity_check` says. `--sqlite VERSION` runs on another SQLite from the package
index; each process proves its version and source id from inside. What SQLite is known to break
stands in properties/known.toml, is told with the way out, and passes with `known: N`.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Sequence

import msgspec

from properties.durability.clean_runs import CleanRuns
from properties.durability.launcher import Sqlite, reach
from properties.durability.run import Run
from properties.durability.verdicts import Verdicts, print_table
from properties.durability.workload import Outcome, Workload
from properties.durability.workloads import WORKLOADS
from properties.environment import environment
from properties.session import UsageError, begin, finish, interruptible, parser, run
from reports.schema import LawsRecord


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    made = parser("durability", (__doc__ or "").partition(": ")[2].partition("\n\n")[0])
    made.add_argument("--sqlite", metavar="VERSION", help="another SQLite (default: Python's own)")
    made.add_argument("--seconds", type=float, default=60.0, help="of each run (default: 60)")
    made.add_argument("--runs", type=int, default=1, help="of each workload (default: 1)")
    made.add_argument(
        "--workload", choices=[*WORKLOADS, "all"], default="all", help="only this one"
    )
    made.add_argument(
        "--processes",
        type=int,
        help="that commit and checkpoint: one checkpoints, the others commit; in open-close all "
        "commit, two tasks each (default: wal-reset 2, subject 3, open-close 1)",
    )
    made.add_argument(
        "--until-shown", action="store_true", help="no further run of a workload that showed a loss"
    )
    made.add_argument("--seed", type=int, help="of who is killed, and when")
    options = made.parse_args(arguments)
    if not 0 < options.seconds <= 86400:
        raise UsageError(f"--seconds is {options.seconds}; give more than 0 and at most a day.")
    if options.runs < 1:
        raise UsageError(f"--runs is {options.runs}; one is the least.")
    if options.processes is not None and not 1 <= options.processes <= 64:
        raise UsageError(f"--processes is {options.processes}; give 1 to 64.")
    return options


def _judged(
    workload: Workload, sqlite: Sqlite, options: argparse.Namespace, seed: int
) -> list[Outcome]:
    outcomes = []
    for number in range(1, options.runs + 1):
        prefix = f"{workload.name} {number}/{options.runs} on SQLite {sqlite.version}"
        print(f"{prefix}: starting", file=sys.stderr, flush=True)
        outcome = Run(
            workload,
            sqlite,
            seconds=options.seconds,
            process_count=options.processes or workload.default_count,
            choices=random.Random(f"{seed} {workload.name} {number}"),
            progress=lambda text, prefix=prefix: print(  # type: ignore[misc]
                f"{prefix}: {text}", file=sys.stderr, flush=True
            ),
        ).judge()
        outcomes.append(outcome)
        if options.until_shown and (outcome.lost or outcome.hung):
            break
    return outcomes


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    options = _options(arguments)
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(2**32)
    began_s = time.monotonic()
    begin(options.record)
    with interruptible():
        sqlite = reach(options.sqlite)
        chosen = WORKLOADS.values() if options.workload == "all" else [WORKLOADS[options.workload]]
        outcomes = {each.name: _judged(each, sqlite, options, seed) for each in chosen}
    clean_runs = CleanRuns.read()
    verdicts = Verdicts(
        sqlite_version=sqlite.version, seconds=options.seconds, seed=seed, clean_runs=clean_runs
    )
    laws = [verdicts.law(WORKLOADS[name], each) for name, each in outcomes.items()]
    clean_runs.write()
    here = msgspec.structs.replace(
        environment(), sqlite_version=sqlite.version, sqlite_source_id=sqlite.source_id
    )  # as each process that was judged has proved, and not what this one is linked to
    record = LawsRecord(
        name="durability",
        verdict=verdicts.verdict(laws),
        summary=verdicts.summary(laws, outcomes),
        figures=verdicts.figures(outcomes, elapsed_s=time.monotonic() - began_s),
        versions=here.versions(),
        environment=here,
        profile=f"{options.runs} x {options.seconds:g} s",
        seed=seed,
        laws=laws,
    )

    def show() -> None:
        print_table(outcomes, sqlite)
        verdicts.print_laws(laws)

    return finish(record, options.record, show=show)


if __name__ == "__main__":
    run("durability", main, shows_life=True)
