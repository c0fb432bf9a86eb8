"""Distribution-free intervals and tests, small enough to be checked by hand.

Sources
- Interval on a median from two order statistics: W. R. Thompson, "On confidence ranges for the
  median", Annals of Mathematical Statistics 7 (1936); H. A. David and H. N. Nagaraja, "Order
  Statistics", 3rd ed., section 7.1.
- Sign test: W. J. Conover, "Practical Nonparametric Statistics", 3rd ed., section 3.4.
- Step-down over several tests: S. Holm, "A simple sequentially rejective multiple test
  procedure", Scandinavian Journal of Statistics 6 (1979).

Choices: no distribution is assumed, because epochs on a shared machine have heavy tails. The price
is width: with 12 epochs the bounds are the second smallest and second largest of them.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """An interval on a median; `error` is the chance that *one* given side of it misses.

    A bound is None where the sample is too small to give one at that error.
    """

    low: float | None
    middle: float
    high: float | None
    error: float


def binomial_tail(count: int, at_most: int) -> float:
    """The chance of `at_most` or fewer heads in `count` tosses of a fair coin."""
    if at_most < 0:
        return 0.0
    return float(sum(math.comb(count, heads) for heads in range(at_most + 1)) / 2**count)


def median(values: Sequence[float]) -> float:
    """The middle value, or the mean of the two in the middle."""
    ordered = sorted(values)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def median_interval(values: Sequence[float], *, error: float) -> Interval:
    """The narrowest order-statistics interval whose either side misses with at most `error`.

    The k-th smallest of n values lies above the median only when fewer than k of them fell below
    it, and each does so with chance 1/2: at most `binomial_tail(n, k - 1)`.
    """
    ordered = sorted(values)
    count = len(ordered)
    rank = 0
    while rank < count // 2 and binomial_tail(count, rank) <= error:
        rank += 1
    if rank == 0:
        return Interval(low=None, middle=median(ordered), high=None, error=error)
    return Interval(
        low=ordered[rank - 1],
        middle=median(ordered),
        high=ordered[count - rank],
        error=binomial_tail(count, rank - 1),
    )


def sign_test(values: Sequence[float], *, above: float) -> float:
    """The p-value against "the median is at most `above`"; ties count against the alarm.

    Where the two sides of every epoch may be exchanged (one release against itself), each value
    falls above zero with at most chance 1/2 whatever the noise looks like, so this is exact there
    even when epochs differ in noise.
    """
    over = sum(1 for value in values if value > above)
    return binomial_tail(len(values), len(values) - over)


def holm_levels(p_values: Mapping[str, float], *, error: float) -> dict[str, float]:
    """The level at which Holm's step-down asks each test; rejected where p is at or below it.

    Tests are taken from the smallest p-value. The first that is not rejected stops the descent,
    and all that follow are asked at its level, so none of them can be rejected either.
    """
    levels: dict[str, float] = {}
    level = 0.0
    stopped = False
    ordered = sorted(p_values, key=lambda name: (p_values[name], name))
    for done, name in enumerate(ordered):
        if not stopped:
            level = error / (len(ordered) - done)
            stopped = p_values[name] > level
        levels[name] = level
    return levels
