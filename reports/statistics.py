"""Distribution-free intervals and tests that may be looked at after every epoch.

Sources
- Confidence sequence for a median: a bet on the sign of each value. Whether a value lies above m is
  a bounded variable whose mean is at most 1/2 where the median is at most m, so the wealth
  of any predictable bet against that is a nonnegative supermartingale (I. Waudby-Smith and
  A. Ramdas, "Estimating means of bounded random variables by betting", J. R. Stat. Soc. B 86,
  2024), and exceeds 1/error at any time with at most the chance `error` (J. Ville, 1939). Inverting
  it over m gives the sequence, as for any quantile (S. R. Howard and A. Ramdas, "Sequential
  estimation of quantiles with applications to A/B testing and best-arm identification",
  Bernoulli 28, 2022).
- p-values that hold at any time are the inverse of the largest wealth so far (the same).
- Step-down over several tests: S. Holm, "A simple sequentially rejective multiple test
  procedure", Scandinavian Journal of Statistics 6 (1979).
- Interval on a median from two order statistics, for a sample of a size fixed beforehand:
  W. R. Thompson, "On confidence ranges for the median", Annals of Mathematical Statistics 7 (1936).
- Bound on a proportion: C. J. Clopper and E. S. Pearson, "The use of confidence or fiducial limits
  illustrated in the case of the binomial", Biometrika 26 (1934).

Choices: the bet is the uniform mixture over all fractions of the wealth, which has a closed form in
the binomial distribution. No distribution is assumed, because epochs on a shared machine have heavy
tails; for one release against itself it is enough that the two sides of an epoch may be exchanged.
Everything is small enough for the standard library.
"""

import bisect
import functools
import math
from collections.abc import Callable, Mapping, Sequence
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


@functools.cache
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


def quantiles(values: Sequence[float], *, steps: int = 40) -> list[float]:
    """`steps` + 1 quantiles from the least value to the greatest, for display: four digits each."""
    ordered = sorted(values)
    places = (round(step * (len(ordered) - 1) / steps) for step in range(steps + 1))
    return [float(f"{ordered[place]:.4g}") for place in places]


@functools.cache
def wealth(count: int, heads: int) -> float:
    """What 1 has become after `heads` of `count` tosses, betting on heads at every fraction.

    The integral over f from 0 to 1 of (1 + f)^heads (1 - f)^(count - heads): with p = (1 + f) / 2
    an incomplete beta function, and so a binomial tail.
    """
    scale = 2 ** (count + 1) / ((count + 1) * math.comb(count, heads))
    return float(scale * binomial_tail(count + 1, heads))


@functools.cache
def heads_needed(count: int, error: float) -> int | None:
    """The least heads of `count` tosses whose wealth reaches 1/error; None where none does."""
    if wealth(count, count) * error < 1:
        return None
    # Wealth grows with the heads.
    return bisect.bisect_left(
        range(count + 1), 1, key=lambda heads: int(_reaches(count, heads, error))
    )


def _reaches(count: int, heads: int, error: float) -> bool:
    return wealth(count, heads) * error >= 1


def median_sequence(values: Sequence[float], *, low_error: float, high_error: float) -> Interval:
    """The bounds on the median after all values, each the best that was ever reached.

    Either side misses at any time with at most its error. That k of n values lie above m whenever m
    lies below the k-th largest makes the lower bound an order statistic; so does the upper one.
    """
    ordered: list[float] = []
    low, high = -math.inf, math.inf
    for value in values:
        bisect.insort(ordered, value)
        if (needed := heads_needed(len(ordered), low_error)) is not None:
            low = max(low, ordered[len(ordered) - needed])
        if (needed := heads_needed(len(ordered), high_error)) is not None:
            high = min(high, ordered[needed - 1])
    return Interval(
        low=low if math.isfinite(low) else None,
        middle=median(values),
        high=high if math.isfinite(high) else None,
        error=low_error,
    )


def sign_p_value(values: Sequence[float], *, above: float) -> float:
    """The p-value, valid at any time, against "the median is at most `above`".

    A tie counts against the alarm.
    """
    richest = 1.0
    heads = 0
    for count, value in enumerate(values, 1):
        heads += value > above
        richest = max(richest, wealth(count, heads))
    return 1 / richest


def median_interval(values: Sequence[float], *, error: float) -> Interval:
    """The narrowest order-statistics interval whose either side misses with at most `error`.

    For a sample whose size owes nothing to its values. The k-th smallest of n values lies above the
    median only when fewer than k of them fell below it, and each does so with chance 1/2: at most
    `binomial_tail(n, k - 1)`.
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


def proportion_bounds(hits: int, trials: int, *, error: float) -> tuple[float, float]:
    """Clopper and Pearson's exact bounds; either side misses with at most `error`."""
    low = 0.0 if hits == 0 else _solve(lambda p: 1 - _binomial_below(hits, trials, p) >= error)
    high = (
        1.0 if hits == trials else _solve(lambda p: _binomial_below(hits + 1, trials, p) <= error)
    )
    return low, high


def _solve(reached: Callable[[float], bool]) -> float:
    """The least p at which a condition that holds from some p on is reached."""
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if reached(middle) else (middle, high)
    return high


def _binomial_below(hits: int, trials: int, p: float) -> float:
    """The chance of fewer than `hits` hits."""
    if p <= 0:
        return 1.0
    if p >= 1:
        return 0.0
    logs = (
        math.lgamma(trials + 1)
        - math.lgamma(each + 1)
        - math.lgamma(trials - each + 1)
        + each * math.log(p)
        + (trials - each) * math.log1p(-p)
        for each in range(hits)
    )
    return math.fsum(map(math.exp, logs))
