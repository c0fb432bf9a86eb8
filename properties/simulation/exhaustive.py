"""``nox -s exhaustive``: every inequivalent schedule of each scenario, and whether a law broke.

A search that stops at its budget says how large its tree is about (``guessing``). That counts
equivalent schedules too: what is left of a reduced search is less, and nobody knows how much less.
"""

from __future__ import annotations

import argparse
import dataclasses
import time
from collections.abc import Sequence
from pathlib import Path

from properties.session import Parser, UsageError, at_least, end, parser, run
from properties.simulation import proving, saving
from properties.simulation.budget import Budget
from properties.simulation.explore import Exploration, cut_level, explore
from properties.simulation.guessing import guessed_size
from properties.simulation.scenario import Scenario
from properties.simulation.scenarios import SCENARIOS, scenario
from properties.simulation.watching import Onlooker
from reports.schema import Figure, Verdict, given_path

AFFORDABLE = 20_000
HEADING = f"{'scenario':<20} {'runs':>7} {'cut':>6} {'outcomes':>8} {'CPU s':>7}  left"


def _parser() -> Parser:
    asked = parser("exhaustive", "Explore every inequivalent schedule of small scenarios.")
    names = [each.name for each in SCENARIOS]
    asked.add_argument("--scenario", action="append", choices=names, help="only this one")
    asked.add_argument("--attempts", type=int, choices=(2, 3), help="only those of so many")
    asked.add_argument("--cancellations", type=at_least(0), help="one or more, anywhere")
    asked.add_argument("--early-clocks", type=at_least(0), help="timers that fire early or late")
    asked.add_argument(
        "--overlaps", type=at_least(0), help="calls that meet a write in full flight"
    )
    asked.add_argument("--unreduced", action="store_true", help="equivalent schedules too")
    asked.add_argument("--run-limit", type=at_least(1), default=100_000, help="runs a scenario")
    asked.add_argument(
        "--state",
        type=given_path,
        metavar="FOLDER",
        help="keep each search there, every few seconds: the same command goes on with it",
    )
    asked.add_argument("--shard", default="", metavar="2/5", help="only this part of each search")
    asked.add_argument(
        "--merge", action="store_true", help="what the shards kept in --state found together"
    )
    asked.add_argument(
        "--prove",
        action="store_true",
        help=f"compare with unreduced searches of up to {AFFORDABLE} runs, under many budgets",
    )
    return asked


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    options = _parser().parse_args(arguments)
    saving.parsed_shard(options.shard)
    if options.merge and (options.state is None or options.shard):
        raise UsageError("--merge reads the shards of a folder: it needs --state, and no --shard.")
    spend = {
        name: number
        for name in ("cancellations", "early_clocks", "overlaps")
        if (number := getattr(options, name)) is not None
    }
    subjects = _subjects(options)
    if options.state is not None:
        _make(options.state)
    if options.prove:
        return _prove(options, subjects, [Budget(**spend)] if spend else proving.BUDGETS)
    figures: dict[str, Figure] = {}
    broken = controls = incomplete = runs = 0
    at_most = 0.0
    print(HEADING)
    for subject in subjects:
        started_s = time.process_time()
        budget = dataclasses.replace(subject.budget, **spend)
        found = (_merged if options.merge else _searched)(options, subject, budget)
        cpu_s = time.process_time() - started_s
        left = "none"
        if not found.is_complete and not options.shard:
            guess = guessed_size(subject, budget)
            at_most = max(at_most, guess)
            left = f"some, of about {guess:.0e}" + ("" if options.unreduced else " unreduced")
            figures[f"{subject.name}: schedules, guessed"] = round(guess)
        elif not found.is_complete:
            left = "some"
        print(
            f"{subject.name:<20} {found.run_count:>7} {found.cut_count:>6} "
            f"{len(found.outcomes):>8} {cpu_s:>7.2f}  {left}",
            flush=True,
        )
        figures[f"{subject.name}: runs"] = found.run_count
        figures[f"{subject.name}: outcomes"] = len(found.outcomes)
        runs += found.run_count + found.cut_count
        incomplete += not found.is_complete
        broken += _broken(found, is_part=bool(options.shard))
        controls += bool(found.scenario.is_broken and found.violations)
    verdict = Verdict.FAIL if broken else Verdict.UNKNOWN if incomplete else Verdict.PASS
    part = f", shard {options.shard}" if options.shard else ""
    summary = f"{len(subjects)} scenarios{part}, {runs} runs, {broken} outcomes broke a law"
    if controls:
        summary += f"; {controls} scenarios broken on purpose do as they should"
    if incomplete:
        summary += f", {incomplete} scenarios not explored to the end"
        summary += f", the largest of about {at_most:.0e} schedules" if at_most else ""
    else:
        summary += ", no schedule left"
    return end("exhaustive", verdict, summary, figures, options.record)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--state {folder}: {error.strerror}.") from error


def _subjects(options: argparse.Namespace) -> list[Scenario]:
    names = options.scenario or [each.name for each in SCENARIOS]
    if options.attempts is not None:  # a name ends with the number of attempts
        names = [name for name in names if name.endswith(f"-{options.attempts}")]
    if not names:
        raise UsageError(f"none of these scenarios has {options.attempts} attempts.")
    return [scenario(name) for name in names]


def _broken(found: Exploration, *, is_part: bool) -> int:
    """Print what broke; return how many outcomes did."""
    if found.scenario.is_broken:
        if found.violations:
            count, all_of_them = len(found.violations), len(found.outcomes)
            print(
                f"    broken on purpose: breaks as it should, in {count} of {all_of_them} outcomes"
            )
            return 0
        if is_part or not found.is_complete:
            return 0
        print("    broken on purpose, and no schedule shows it")
        return 1
    for outcome, what in found.violations.items():
        print(f"    {what}: {outcome}\n    deviations {found.schedules[outcome]}")
    return len(found.violations)


def _file(folder: Path, subject: Scenario, shard: str) -> Path:
    part = f".{shard.replace('/', '-of-')}" if shard else ""
    return folder / f"{subject.name}{part}.json"


def _searched(options: argparse.Namespace, subject: Scenario, budget: Budget) -> Exploration:
    """Search a scenario, or the shard asked for, from where its file says."""
    reduces = not options.unreduced
    wanted = saving.identity(subject, budget, reduces=reduces)
    path = halt = shard = None
    if options.state is not None:
        path = _file(options.state, subject, options.shard)
        if path.exists():
            saved = saving.read(path)
            saving.require_same(saved.identity, wanted, path)
            halt = saving.halted(saved, subject)
    if options.shard:
        count = saving.parsed_shard(options.shard)[1]
        level = cut_level(subject, shard_count=count, budget=budget, reduces=reduces)
        shard = saving.shard_at(options.shard, level)
    with Onlooker(subject.name, path=path, identity=wanted, shard=options.shard) as watch:
        return explore(
            subject,
            budget=budget,
            reduces=reduces,
            run_limit=options.run_limit,
            shard=shard,
            halt=halt,
            watch=watch,
        )


def _merged(options: argparse.Namespace, subject: Scenario, budget: Budget) -> Exploration:
    """Put together what the shards of a scenario have kept."""
    wanted = saving.identity(subject, budget, reduces=not options.unreduced)
    found = []
    for path in sorted(options.state.glob(f"{subject.name}.*-of-*.json")):
        saved = saving.read(path)
        saving.require_same(saved.identity, wanted, path)
        found.append(saved)
    if not found:
        raise UsageError(f"{subject.name}: no shards are kept there; search with --shard 1/2.")
    return saving.merged(found, subject)


def _prove(
    options: argparse.Namespace, subjects: Sequence[Scenario], budgets: Sequence[Budget]
) -> int:
    chosen = proving.cells(subjects, budgets, options.shard)
    limit = min(options.run_limit, AFFORDABLE)
    same = differing = too_large = 0
    figures: dict[str, Figure] = {}
    print(f"{'cell':<30} {'unreduced':>9} {'reduced':>7} {'outcomes':>10}")
    for each in proving.proofs(chosen, limit=limit, folder=options.state, only_kept=options.merge):
        if each.unreduced_count is None:
            too_large += 1
            print(f"{each.cell:<30} {'too many':>9}, about {each.guess:.0e}", flush=True)
            continue
        same += not each.difference
        differing += bool(each.difference)
        sign = "!=" if each.difference else "="
        outcomes = f"{each.unreduced_outcomes} {sign} {each.reduced_outcomes}"
        print(
            f"{each.cell:<30} {each.unreduced_count:>9} {each.reduced_count:>7} {outcomes:>10}",
            flush=True,
        )
        for line in each.difference:
            print(f"    {line}")
        figures[each.cell] = each.unreduced_count
    figures |= {"same": same, "differing": differing, "too large": too_large}
    verdict = Verdict.FAIL if differing else Verdict.PASS if same else Verdict.UNKNOWN
    part = f" of shard {options.shard}" if options.shard else ""
    summary = (
        f"{same} searches{part} end as the unreduced ones, {differing} do not, "
        f"{too_large} unreduced ones are too large"
    )
    return end("exhaustive", verdict, summary, figures, options.record)


if __name__ == "__main__":
    run("exhaustive", main)
