"""The Universal Scalability Law, fitted to a throughput over a number of tasks or processes.

    X(N) = rate * N / (1 + contention * (N - 1) + coherency * N * (N - 1))

N. J. Gunther, "Guerrilla Capacity Planning", 2007, chapters 4 to 6. ``rate`` is what one alone does
a second, ``contention`` the share of the work that must be done one at a time (Amdahl's law is the
case without coherency), ``coherency`` what each pair costs each other; above 0 there is a peak,
at ``sqrt((1 - contention) / coherency)``, beyond which more is slower.

Choices: N / X is linear in (1, N - 1, N (N - 1)), so the fit is three unknowns of a linear least
squares problem, weighted so that it is the *relative* error that is small. None of the three may
be negative; with so few, trying each subset is exact and needs no library in an environment that
measures. Gunther fits deviations from linear scaling and drops negative ones by hand.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

POINTS_AT_LEAST = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Scalability:
    """A fitted law. ``worst_percent`` is how far the farthest point lies from the curve."""

    rate_per_s: float
    contention: float
    coherency: float
    worst_percent: float

    def per_s(self, count: float) -> float:
        """Return the throughput that the law gives for ``count`` tasks."""
        lost = self.contention * (count - 1) + self.coherency * count * (count - 1)
        return self.rate_per_s * count / (1 + lost)

    @property
    def peak(self) -> float | None:
        """How many tasks do most; None where more never hurt."""
        if self.coherency <= 0:
            return None
        return math.sqrt(max(0.0, 1 - self.contention) / self.coherency)


def fit(points: Sequence[tuple[int, float]]) -> Scalability | None:
    """Fit ``(count, per_s)`` points; None when they are too few to say anything."""
    if len({count for count, _ in points}) < POINTS_AT_LEAST:
        return None
    # Each row says 1 = (a + b (N - 1) + c N (N - 1)) * X / N, for a = 1/rate, b = contention/rate.
    rows = [
        [each * speed / count for each in (1.0, count - 1.0, count * (count - 1.0))]
        for count, speed in points
    ]
    best: tuple[float, list[float]] | None = None
    for size in range(1, 4):
        for used in itertools.combinations(range(3), size):
            solved = _least_squares([[row[index] for index in used] for row in rows])
            if solved is None or min(solved) < 0 or 0 not in used:
                continue
            whole = [0.0, 0.0, 0.0]
            for index, value in zip(used, solved, strict=True):
                whole[index] = value
            error = sum((1 - _dot(row, whole)) ** 2 for row in rows)
            if whole[0] > 0 and (best is None or error < best[0]):
                best = error, whole
    if best is None:
        return None
    a, b, c = best[1]
    law = Scalability(rate_per_s=1 / a, contention=b / a, coherency=c / a, worst_percent=0.0)
    worst = max(abs(law.per_s(count) / speed - 1) for count, speed in points)
    return Scalability(
        rate_per_s=law.rate_per_s,
        contention=law.contention,
        coherency=law.coherency,
        worst_percent=100 * worst,
    )


def _dot(one: Sequence[float], other: Sequence[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


def _least_squares(rows: Sequence[Sequence[float]]) -> list[float] | None:
    """Solve the normal equations for right-hand sides of 1, by elimination with pivots."""
    size = len(rows[0])
    columns = [[row[index] for row in rows] for index in range(size)]
    matrix = [[_dot(one, other) for other in columns] + [sum(one)] for one in columns]
    for step in range(size):
        pivot = max(range(step, size), key=lambda index: abs(matrix[index][step]))
        if abs(matrix[pivot][step]) < 1e-300:
            return None
        matrix[step], matrix[pivot] = matrix[pivot], matrix[step]
        for index in range(size):
            if index != step:
                factor = matrix[index][step] / matrix[step][step]
                matrix[index] = [
                    a - factor * b for a, b in zip(matrix[index], matrix[step], strict=True)
                ]
    return [matrix[index][size] / matrix[index][index] for index in range(size)]
