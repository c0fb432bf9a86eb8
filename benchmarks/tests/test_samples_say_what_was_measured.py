"""Percentiles are values that were measured; Jain's index is 1 when shares are equal."""

from __future__ import annotations

import pytest

from benchmarks.samples import jain_index, percentile


@pytest.mark.parametrize(
    ("values", "percent", "expected"),
    [
        ([7], 50, 7),
        ([7], 99, 7),
        ([3, 1, 2], 50, 2),
        ([1, 2, 3, 4], 50, 2),
        ([1, 2, 3, 4], 51, 3),
        (list(range(1, 101)), 99, 99),
        (list(range(1, 101)), 100, 100),
        ([1, 1, 1, 1000], 75, 1),
    ],
)
def test_a_percentile_is_the_nearest_rank(values: list[int], percent: float, expected: int) -> None:
    """The smallest value that so many percent do not exceed, never one in between."""
    assert expected == percentile(values, percent)


@pytest.mark.parametrize(("values", "percent"), [([], 50), ([1], 0), ([1], 101)])
def test_a_percentile_of_nothing_is_refused(values: list[int], percent: float) -> None:
    """No sample and no such rank are errors, not zeros."""
    with pytest.raises(ValueError, match=r"no values|percent is"):
        percentile(values, percent)


@pytest.mark.parametrize(
    ("shares", "expected"),
    [([5, 5, 5, 5], 1.0), ([4, 0, 0, 0], 0.25), ([1, 3], 0.8), ([9], 1.0)],
)
def test_fairness_is_jains_index(shares: list[int], expected: float) -> None:
    """1 when shared evenly, 1/n when one task had all."""
    assert expected == pytest.approx(jain_index(shares))


def test_fairness_about_nothing_is_refused() -> None:
    """When no task had a share, nothing is known about fairness."""
    with pytest.raises(ValueError, match="nobody had a share"):
        jain_index([0, 0])
