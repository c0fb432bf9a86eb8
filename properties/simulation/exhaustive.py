"""``nox -s exhaustive``: every inequivalent schedule of each scenario, and whether a law broke."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence

from properties.session import at_least, end, parser, run
from properties.simulation.explore import explore
from properties.simulation.scenarios import SCENARIOS, scenario
from reports.schema import Figure, Verdict


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    asked = parser("exhaustive", "Explore every inequivalent schedule of small scenarios.")
    names = [each.name for each in SCENARIOS]
    asked.add_argument("--scenario", action="append", choices=names, help="only this one")
    asked.add_argument("--cancellations", type=at_least(0), help="one or more, anywhere")
    asked.add_argument("--early-clocks", type=at_least(0), help="timers that fire early or late")
    asked.add_argument(
        "--overlaps", type=at_least(0), help="calls that meet a write in full flight"
    )
    asked.add_argument("--unreduced", action="store_true", help="equivalent schedules too")
    asked.add_argument("--run-limit", type=at_least(1), default=100_000, help="runs a scenario")
    options = asked.parse_args(arguments)
    spend = {
        name: number
        for name in ("cancellations", "early_clocks", "overlaps")
        if (number := getattr(options, name)) is not None
    }
    figures: dict[str, Figure] = {}
    broken = incomplete = runs = 0
    print(f"{'scenario':<20} {'runs':>7} {'cut':>6} {'outcomes':>8} {'CPU s':>7}  left")
    for name in options.scenario or names:
        subject = scenario(name)
        started_s = time.process_time()
        found = explore(
            subject,
            budget=dataclasses.replace(subject.budget, **spend),
            reduces=not options.unreduced,
            run_limit=options.run_limit,
        )
        cpu_s = time.process_time() - started_s
        left = "none" if found.is_complete else "some"
        print(
            f"{name:<20} {found.run_count:>7} {found.cut_count:>6} {len(found.outcomes):>8} "
            f"{cpu_s:>7.2f}  {left}",
            flush=True,
        )
        figures[f"{name}: runs"] = found.run_count
        figures[f"{name}: outcomes"] = len(found.outcomes)
        runs += found.run_count + found.cut_count
        incomplete += not found.is_complete
        if subject.is_broken:
            if not found.violations:
                print("    broken on purpose, and no schedule shows it")
                broken += 1
            continue
        for outcome, what in found.violations.items():
            print(f"    {what}: {outcome}\n    deviations {found.schedules[outcome]}")
        broken += len(found.violations)
    verdict = Verdict.FAIL if broken else Verdict.UNKNOWN if incomplete else Verdict.PASS
    summary = (
        f"{len(options.scenario or names)} scenarios, {runs} runs, {broken} outcomes broke a law"
    )
    if incomplete:
        summary += f", {incomplete} scenarios not explored to the end"
    return end("exhaustive", verdict, summary, figures, options.record)


if __name__ == "__main__":
    run("exhaustive", main, shows_life=True)
