"""A law that made the points is found again, and none is made up where there are too few."""

from __future__ import annotations

import pytest

from benchmarks.scalability import Scalability, fit

COUNTS = (1, 2, 4, 8, 16, 32)


def points(rate: float, contention: float, coherency: float) -> list[tuple[int, float]]:
    """Return what a law gives, computed apart from the class."""
    return [(n, rate * n / (1 + contention * (n - 1) + coherency * n * (n - 1))) for n in COUNTS]


@pytest.mark.parametrize(
    ("rate", "contention", "coherency"),
    [(1000, 0.05, 0.001), (750, 1.0, 0.0), (3000, 0.0, 0.0), (6000, 0.9, 0.02), (500, 0.0, 0.01)],
)
def test_a_law_is_found_again_from_what_it_gives(
    rate: float, contention: float, coherency: float
) -> None:
    """Linear, Amdahl, retrograde: three numbers come back, and every point lies on the curve."""
    law = fit(points(rate, contention, coherency))
    assert law is not None
    assert (rate, contention, coherency) == pytest.approx(
        (law.rate_per_s, law.contention, law.coherency), abs=1e-6
    )
    assert law.worst_percent < 1e-6


def test_no_coefficient_is_negative() -> None:
    """Points that scale better than linearly are told as linear, with how far off that is."""
    law = fit([(n, 100.0 * n * 1.05**n) for n in (1, 2, 4, 8)])
    assert law is not None
    assert (0, 0) == (law.contention, law.coherency)
    assert law.worst_percent > 5


def test_three_points_are_too_few_for_three_unknowns() -> None:
    """Any three points lie on some curve; that is no finding."""
    assert fit(points(1000, 0.1, 0.001)[:3]) is None


def test_the_peak_is_where_the_curve_turns() -> None:
    """The law's own maximum; without coherency there is none."""
    law = Scalability(rate_per_s=100, contention=0.1, coherency=0.001, worst_percent=0)
    assert law.peak == pytest.approx(30.0)
    assert law.per_s(29) < law.per_s(30) > law.per_s(31)
    assert Scalability(rate_per_s=1, contention=1, coherency=0, worst_percent=0).peak is None
