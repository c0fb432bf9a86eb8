"""What is said about a sample: nearest-rank percentiles and Jain's index, on raw values."""

from __future__ import annotations

import math
from collections.abc import Sequence


def percentile(values: Sequence[int], percent: float) -> int:
    """Return the smallest value that at least ``percent`` of all values do not exceed.

    Nearest rank: always a value that was measured, never one in between.
    """
    if not values:
        raise ValueError("no values: a percentile needs at least one.")
    if not 0 < percent <= 100:
        raise ValueError(f"percent is {percent}; more than 0, at most 100.")
    return sorted(values)[math.ceil(len(values) * percent / 100) - 1]


def jain_index(shares: Sequence[int]) -> float:
    """Return how evenly work was shared: 1 evenly, 1/n when one of n had all of it.

    R. Jain, D. Chiu, W. Hawe, "A Quantitative Measure of Fairness", DEC-TR-301, 1984.
    """
    squares = sum(share * share for share in shares)
    if not squares:
        raise ValueError("nobody had a share: fairness is about something that was shared.")
    return sum(shares) ** 2 / (len(shares) * squares)
