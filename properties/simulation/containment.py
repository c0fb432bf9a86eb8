"""``nox -s containment``: is the simulator itself sound?

Whatever stock asyncio with real threads shows, and whatever unreduced random walks show that also
interleave single callbacks, must lie in what the exhaustive search shows. The reverse: each
outcome of the search comes back when its schedule is replayed on OS threads. Holes planted in the
search must be caught, or the comparison proves nothing.
"""

from __future__ import annotations

import dataclasses
import os
import random
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field

from properties.session import at_least, end, parser, run
from properties.simulation.budget import Budget
from properties.simulation.controls import CONTROLS
from properties.simulation.explore import Exploration, explore
from properties.simulation.holes import HOLES, Hole
from properties.simulation.scenario import Outcome, Scenario, create_database
from properties.simulation.scenarios import SCENARIOS, scenario
from properties.simulation.schedulers.random import RandomScheduler
from properties.simulation.schedulers.replay import ReplayScheduler
from properties.simulation.stage import Stage
from properties.simulation.stock import run_on_stock_asyncio
from reports.schema import Figure, Verdict

MAX_DELAY_S = 0.002


@dataclass(slots=True, kw_only=True)
class Comparison:
    """One scenario, seen in four ways. ``outside`` is what the search says cannot happen.

    A search that was not over says no such thing.
    """

    scenario: Scenario
    search: Exploration
    real: set[Outcome] = field(default_factory=set)
    walked: set[Outcome] = field(default_factory=set)
    not_replayed: set[Outcome] = field(default_factory=set)

    @property
    def outside(self) -> set[Outcome]:
        """Outcomes that happened and that the search says cannot."""
        if not self.search.is_complete:
            return set()
        return (self.real | self.walked) - self.search.outcomes


def real_outcomes(subject: Scenario, *, run_count: int, seed: int) -> set[Outcome]:
    """Return what stock asyncio and real threads show; beginnings are held back at random."""
    if subject.contend is not None:
        return set()  # its course leans on the simulation
    private = random.Random(seed)
    folder = tempfile.mkdtemp(prefix="containment-", dir=_memory())
    seen = set()
    try:
        path = os.path.join(folder, "rows.db")
        create_database(path, subject)
        for _ in range(run_count):
            spread_s = private.choice((0.0, 0.0003, MAX_DELAY_S))
            delays_s = [private.uniform(0, spread_s) for _ in range(8)]
            seen.add(run_on_stock_asyncio(subject, path, delays_s))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return seen


def walked_outcomes(
    subject: Scenario, *, budget: Budget, run_count: int, seed: int
) -> set[Outcome]:
    """Return what random walks show that may switch between any two callbacks."""
    fine = dataclasses.replace(budget, callbacks_interleave=True)
    fault_count = budget.cancellations + budget.overlaps + budget.fault_count
    scheduler = RandomScheduler(seed, fault_count=fault_count)
    with Stage(subject) as stage:
        return {stage.run(scheduler, fine).outcome for _ in range(run_count)}


def not_replayed(search: Exploration, budget: Budget) -> set[Outcome]:
    """Return the outcomes of a search that its schedules do not give on OS threads."""
    lost = set()
    with Stage(search.scenario, carrier_name="thread") as stage:
        for outcome, schedule in search.schedules.items():
            if stage.run(ReplayScheduler(schedule), budget).outcome != outcome:
                lost.add(outcome)
    return lost


def compare(
    subject: Scenario, *, real_runs: int, walks: int, seed: int, run_limit: int
) -> Comparison:
    """Look at one scenario in all four ways."""
    search = explore(subject, run_limit=run_limit)
    return Comparison(
        scenario=subject,
        search=search,
        real=real_outcomes(subject, run_count=real_runs, seed=seed),
        walked=walked_outcomes(subject, budget=subject.budget, run_count=walks, seed=seed),
        not_replayed=not_replayed(search, subject.budget),
    )


def hole_is_caught(hole: Hole, *, walks: int, seed: int) -> bool:
    """Return whether walks show something that the damaged search does not."""
    subject = scenario(hole.scenario)
    budget = hole.budget if hole.budget is not None else subject.budget
    with hole.plant():
        search = explore(subject, budget=dataclasses.replace(budget, **hole.spend))
    run_count = max(walks, hole.walk_count)
    walked = walked_outcomes(subject, budget=budget, run_count=run_count, seed=seed)
    if hole.is_small:
        walked |= explore(subject, budget=budget, reduces=False, run_limit=3000).outcomes
    return bool(walked - search.outcomes)


def false_alarms(run_count: int, seed: int) -> int:
    """Return how many of ``run_count`` fine-grained walks alarm about code that is right."""
    alarms = 0
    for control in CONTROLS:
        scheduler = RandomScheduler(seed)
        with Stage(control) as stage:
            for _ in range(run_count // len(CONTROLS)):
                alarms += stage.run(scheduler).violation is not None
    return alarms


def _memory() -> str | None:
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    asked = parser("containment", "Compare the exhaustive search with real threads and walks.")
    names = [each.name for each in SCENARIOS]
    asked.add_argument("--scenario", action="append", choices=names, help="only this one")
    asked.add_argument(
        "--real-runs", type=at_least(1), default=150, help="a scenario, on real threads"
    )
    asked.add_argument(
        "--walks", type=at_least(1), default=400, help="a scenario, unreduced, at random"
    )
    asked.add_argument(
        "--controls", type=at_least(len(CONTROLS)), default=3000, help="walks of right code"
    )
    asked.add_argument("--run-limit", type=at_least(1), default=100_000, help="of the search")
    asked.add_argument("--seed", type=at_least(0), default=0)
    options = asked.parse_args(arguments)
    figures: dict[str, Figure] = {}
    outside = lost = incomplete = spread = 0
    print("distinct outcomes of each scenario")
    print(f"{'scenario':<20} {'search':>7} {'real':>5} {'walks':>6} {'outside':>8} {'replayed':>9}")
    for name in options.scenario or names:
        found = compare(
            scenario(name),
            real_runs=options.real_runs,
            walks=options.walks,
            seed=options.seed,
            run_limit=options.run_limit,
        )
        total = len(found.search.outcomes)
        print(
            f"{name:<20} {total:>7} {len(found.real):>5} {len(found.walked):>6} "
            f"{len(found.outside):>8} {total - len(found.not_replayed):>9}",
            flush=True,
        )
        for each in sorted(found.outside, key=str):
            way = "real threads" if each in found.real else "a walk"
            print(f"    only {way} showed: {each}")
        if not found.search.is_complete:
            print("    not explored to the end: nothing is outside of it")
        figures[f"{name}: search"] = total
        figures[f"{name}: real"] = len(found.real)
        figures[f"{name}: walks"] = len(found.walked)
        outside += len(found.outside)
        lost += len(found.not_replayed)
        incomplete += not found.search.is_complete
        spread += len(found.real) >= 2
    caught = 0
    for hole in HOLES:
        is_caught = hole_is_caught(hole, walks=max(options.walks, 400), seed=options.seed)
        print(f"planted: {hole.name:<44} {'caught' if is_caught else 'MISSED'}", flush=True)
        caught += is_caught
    alarms = false_alarms(options.controls, options.seed)
    print(f"false alarms: {alarms} of {options.controls} walks of code that is right", flush=True)
    count = len(options.scenario or names)
    figures |= {"scenarios": count, "outside": outside, "holes caught": caught}
    figures |= {"controls": options.controls, "false alarms": alarms, "incomplete": incomplete}
    if outside or lost or alarms or caught < len(HOLES):
        verdict = Verdict.FAIL
    elif incomplete or spread * 2 < count:
        verdict = Verdict.UNKNOWN
    else:
        verdict = Verdict.PASS
    summary = (
        f"{count} scenarios, {outside} outcomes outside the search, {lost} not replayed on "
        f"threads, {spread} with two or more real outcomes, {caught} of {len(HOLES)} holes caught, "
        f"{alarms} false alarms"
    )
    if incomplete:
        summary += f", {incomplete} searches not explored to the end"
    return end("containment", verdict, summary, figures, options.record)


if __name__ == "__main__":
    run("containment", main, shows_life=True)
