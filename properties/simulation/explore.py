"""Searches a scenario's schedules and keeps what came of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from properties.simulation.budget import Budget
from properties.simulation.scenario import Outcome, Scenario, Trial
from properties.simulation.schedulers.exhaustive import (
    AssumptionError,
    ExhaustiveScheduler,
    NondeterminismError,
    Shard,
)
from properties.simulation.schedulers.polite import PoliteScheduler
from properties.simulation.schedulers.replay import ReplayScheduler
from properties.simulation.schedulers.saved import SavedPath
from properties.simulation.stage import Stage
from properties.simulation.world import Sharing


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
    frontier_count: int = 0
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


Watch = Callable[[Exploration, ExhaustiveScheduler, Sharing], bool]
"""Is told after every run where a search stands, and what is shared; True stops it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Halt:
    """Where a search was stopped: enough to go on in another process."""

    path: SavedPath
    sharing: Sharing
    found: Exploration


def explore(
    scenario: Scenario,
    *,
    budget: Budget | None = None,
    reduces: bool = True,
    run_limit: int = 1_000_000,
    until_violation: bool = False,
    carrier_name: str = "inline",
    shard: Shard | None = None,
    halt: Halt | None = None,
    watch: Watch | None = None,
) -> Exploration:
    """Run every schedule of ``scenario``; reduced, every inequivalent one.

    ``halt`` is where an earlier call of the same search was stopped, ``shard`` a part of it.
    """
    found = Exploration(scenario=scenario) if halt is None else halt.found
    spent = budget if budget is not None else scenario.budget
    scheduler = ExhaustiveScheduler(spent, reduces=reduces, shard=shard)
    started, before_s = time.perf_counter(), found.elapsed_s
    with Stage(scenario, carrier_name=carrier_name) as stage:
        if shard is not None:
            stage.simulation.take_for_shared(Sharing(locks=True))
            stage.run(PoliteScheduler(), budget)  # whoever uses a connection with others, shows it
        if halt is not None:
            stage.simulation.take_for_shared(halt.sharing)
        sharing = stage.simulation.sharing
        if halt is not None:
            scheduler.restore(halt.path)
        while not found.is_complete and found.run_count + found.cut_count < run_limit:
            trial = stage.run(scheduler, budget)
            if trial.run.is_pruned:
                found.cut_count += 1
            else:
                found.run_count += 1
                found.add(trial)
                if until_violation and found.violations:
                    break
            if shard is not None and stage.simulation.sharing != sharing:
                raise AssumptionError("A shard has learnt what other shards may not know.")
            found.is_complete = not scheduler.advance()
            found.elapsed_s = before_s + time.perf_counter() - started
            if watch is not None and watch(found, scheduler, stage.simulation.sharing):
                break
    _confirm(found, budget)
    found.elapsed_s = before_s + time.perf_counter() - started
    found.frontier_count = scheduler.frontier_count
    return found


SUBTREES_A_SHARD = 16
LEVEL_LIMIT = 64


def cut_level(
    scenario: Scenario, *, shard_count: int, budget: Budget | None = None, reduces: bool = True
) -> int:
    """Return the level at which the tree is wide enough for so many shards.

    Every shard finds the same one: it depends on nothing else.
    """
    widest, best = 0, 2
    for level in range(2, LEVEL_LIMIT, 2):
        nobody = Shard(index=shard_count, count=shard_count, level=level)
        width = explore(scenario, budget=budget, reduces=reduces, shard=nobody).frontier_count
        if width > widest:
            widest, best = width, level
        if not width or width >= SUBTREES_A_SHARD * shard_count:
            break
    return best
