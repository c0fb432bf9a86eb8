"""Searches a scenario's schedules and keeps what came of them."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from properties.simulation.budget import Budget
from properties.simulation.scenario import Outcome, Scenario, Trial
from properties.simulation.schedulers.exhaustive import ExhaustiveScheduler, NondeterminismError
from properties.simulation.schedulers.replay import ReplayScheduler
from properties.simulation.stage import Stage


@dataclass(slots=True, kw_only=True)
class Exploration:
    """What a search has seen. ``is_complete`` only when no schedule is left.

    ``schedules`` holds the first schedule of each outcome, as deviations from the polite one.
    """

    scenario: Scenario
    run_count: int = 0
    cut_count: int = 0
    elapsed_s: float = 0.0
    is_complete: bool = False
    schedules: dict[Outcome, dict[int, int]] = field(default_factory=dict)
    violations: dict[Outcome, str] = field(default_factory=dict)

    @property
    def outcomes(self) -> set[Outcome]:
        """Every distinct outcome."""
        return set(self.schedules)

    def add(self, trial: Trial) -> None:
        """Keep the outcome of one run."""
        if trial.outcome not in self.schedules:
            self.schedules[trial.outcome] = trial.run.deviations
            if trial.violation is not None:
                self.violations[trial.outcome] = trial.violation


def _confirm(found: Exploration, budget: Budget | None) -> None:
    """Run every failure again, from fresh files; a difference is our fault, not the law's."""
    if not found.violations:
        return
    with Stage(found.scenario, fresh=True) as stage:
        for outcome in found.violations:
            again = stage.run(ReplayScheduler(found.schedules[outcome]), budget).outcome
            if again != outcome:
                raise NondeterminismError(
                    f"{found.scenario.name}: the schedule {found.schedules[outcome]} gave "
                    f"{outcome}, and from a fresh file {again}. Something lasts between runs."
                )


def explore(
    scenario: Scenario,
    *,
    budget: Budget | None = None,
    reduces: bool = True,
    run_limit: int = 1_000_000,
    until_violation: bool = False,
    carrier_name: str = "inline",
) -> Exploration:
    """Run every schedule of ``scenario``; reduced, every inequivalent one."""
    found = Exploration(scenario=scenario)
    spent = budget if budget is not None else scenario.budget
    scheduler = ExhaustiveScheduler(spent, reduces=reduces)
    started = time.perf_counter()
    with Stage(scenario, carrier_name=carrier_name) as stage:
        while found.run_count + found.cut_count < run_limit:
            trial = stage.run(scheduler, budget)
            if trial.run.is_pruned:
                found.cut_count += 1
            else:
                found.run_count += 1
                found.add(trial)
                if until_violation and found.violations:
                    break
            if not scheduler.advance():
                found.is_complete = True
                break
    _confirm(found, budget)
    found.elapsed_s = time.perf_counter() - started
    return found
