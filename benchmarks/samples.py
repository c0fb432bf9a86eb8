"""What is said about a sample: nearest-rank percentiles and Jain's index, on raw values."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

PERCENTS = {"p50": 50, "p90": 90, "p99": 99, "p99_9": 99.9}


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


def latencies(values_us: Sequence[int], name: str = "latency") -> Mapping[str, int | list[int]]:
    """Return percentiles, the maximum and the sample itself, all in whole microseconds."""
    in_order = sorted(values_us)
    found: dict[str, int | list[int]] = {
        f"{name}_{label}_us": percentile(in_order, percent) for label, percent in PERCENTS.items()
    }
    plural = "latencies" if name == "latency" else f"{name}s"
    return {**found, f"{name}_max_us": in_order[-1], f"{plural}_us": list(values_us)}
