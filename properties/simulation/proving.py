"""``nox -s exhaustive -- --prove``: the reduced search ends as the unreduced one, where that ends.

Every scenario under every small budget whose unreduced tree is small enough. How large a tree is,
random probes guess first (D. E. Knuth, "Estimating the efficiency of backtrack programs", 1975):
the mean product of the widths along random paths.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from properties.simulation.budget import Budget
from properties.simulation.explore import explore
from properties.simulation.scenario import Scenario
from properties.simulation.scheduler import Point
from properties.simulation.stage import Stage
from properties.simulation.watching import Onlooker

BUDGETS = (
    Budget(),
    Budget(overlaps=1),
    Budget(overlaps=2),
    Budget(early_clocks=1),
    Budget(early_clocks=2),
    Budget(cancellations=1),
    Budget(cancellations=2),
    Budget(cancellations=1, overlaps=1),
    Budget(cancellations=1, early_clocks=1),
    Budget(early_clocks=1, overlaps=1),
)
PROBES = 40
HOPELESS = 10
"""A tree guessed so many times too large is not tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """One scenario under one budget, searched twice. ``unreduced_count`` is None: too large."""

    scenario: Scenario
    budget: Budget
    guess: float
    unreduced_count: int | None = None
    reduced_count: int = 0
    unreduced_outcomes: int = 0
    reduced_outcomes: int = 0
    difference: tuple[str, ...] = ()


class _Probe:
    """Walks down one random path, and multiplies the widths on its way."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self.product = 1.0

    def begin(self) -> None:
        self.product = 1.0

    def choose(self, n: int, point: Point) -> int:  # noqa: ARG002
        self.product *= n
        return self._random.randrange(n)


def guessed_size(scenario: Scenario, budget: Budget, *, seed: int = 0) -> float:
    """Return about how many schedules there are, unreduced."""
    probe, total = _Probe(seed), 0.0
    with Stage(scenario) as stage:
        for _ in range(PROBES):
            stage.run(probe, budget)
            total += probe.product
    return total / PROBES


def proofs(
    scenarios: Sequence[Scenario], budgets: Sequence[Budget], *, limit: int
) -> Iterator[Proof]:
    """Search each scenario twice under each budget, where ``limit`` unreduced runs are enough."""
    for scenario in scenarios:
        for budget in budgets:
            yield proof(scenario, budget, limit=limit)


def proof(scenario: Scenario, budget: Budget, *, limit: int) -> Proof:
    """Search a scenario twice."""
    guess = guessed_size(scenario, budget)
    if guess > HOPELESS * limit:
        return Proof(scenario=scenario, budget=budget, guess=guess)
    with Onlooker(f"{scenario.name}, unreduced") as watch:
        whole = explore(scenario, budget=budget, reduces=False, run_limit=limit, watch=watch)
    if not whole.is_complete:
        return Proof(scenario=scenario, budget=budget, guess=guess)
    with Onlooker(scenario.name) as watch:
        reduced = explore(scenario, budget=budget, watch=watch)
    lost = sorted(f"only unreduced: {each}" for each in whole.outcomes - reduced.outcomes)
    extra = sorted(f"only reduced: {each}" for each in reduced.outcomes - whole.outcomes)
    return Proof(
        scenario=scenario,
        budget=budget,
        guess=guess,
        unreduced_count=whole.run_count,
        reduced_count=reduced.run_count + reduced.cut_count,
        unreduced_outcomes=len(whole.outcomes),
        reduced_outcomes=len(reduced.outcomes),
        difference=(*lost, *extra),
    )
