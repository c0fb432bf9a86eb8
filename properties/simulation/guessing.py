"""How large a search tree is, guessed from random paths down it.

D. E. Knuth, "Estimating the efficiency of backtrack programs", Mathematics of Computation 29
(1975): along a path that takes each option with probability p, the product of 1/p is in the mean
the number of leaves.

Choices. Faults and timers that need not strike are taken seldom (``STRIKE_WEIGHT``; Knuth's
importance sampling): taken evenly, nearly every path spends its budget at once, on the small
branches, and forty paths guess 500 schedules where there are 700 million. A guess is of all
schedules, equivalent or not: for a reduced search it is an upper bound.
"""

from __future__ import annotations

import random

from properties.simulation.budget import Budget
from properties.simulation.scenario import Scenario
from properties.simulation.scheduler import Action, Option, Point
from properties.simulation.stage import Stage

PROBES = 100
STRIKE_WEIGHT = 0.1


class _Probe:
    """Walks down one random path, and multiplies what each choice stands for."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self.product = 1.0

    def begin(self) -> None:
        self.product = 1.0

    def choose(self, n: int, point: Point) -> int:
        weights = [_weight(option) for option in point.options]
        chosen = self._random.choices(range(n), weights)[0]
        self.product *= sum(weights) / weights[chosen]
        return chosen


def _weight(option: Option) -> float:
    is_paid = option.action is Action.FAULT or (option.action is Action.CLOCK and option.target)
    return STRIKE_WEIGHT if is_paid else 1.0


def guessed_size(
    scenario: Scenario, budget: Budget, *, seed: int = 0, probe_count: int = PROBES
) -> float:
    """Return about how many schedules there are, unreduced. The same seed guesses the same."""
    probe, total = _Probe(seed), 0.0
    with Stage(scenario) as stage:
        for _ in range(probe_count):
            stage.run(probe, budget)
            total += probe.product
    return total / probe_count
