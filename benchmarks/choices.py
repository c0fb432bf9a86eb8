"""Which file a transition goes to: its number in the stock decides, so every run asks the same."""

from __future__ import annotations

import bisect
import itertools
import random
from collections.abc import Callable

Choice = Callable[[int], int]
"""From the number of a transition, counted from 0, to the index of its file."""


def in_turn(file_count: int) -> Choice:
    """Every file as often as any other; with one file that is the hot one."""
    return lambda ticket: ticket % file_count


def scattered(file_count: int) -> Choice:
    """Files far apart, one after the other, so that few share a page of the table."""
    return lambda ticket: ticket * 2_654_435_761 % file_count  # D. E. Knuth, TAOCP 3, 6.4


def zipf(file_count: int, *, exponent: float = 1.1, seed: int = 0, period: int = 4096) -> Choice:
    """File k in proportion to ``1 / (k + 1) ** exponent``, drawn once and then repeated.

    A few files take most of the writes and the rest is touched now and then, as names, words and
    requests are (G. K. Zipf, "Human Behavior and the Principle of Least Effort", 1949). At 1.1 the
    hottest of 100 files has 23 % of them.
    """
    weights = [1 / (rank + 1) ** exponent for rank in range(file_count)]
    bounds = list(itertools.accumulate(weights))
    draw = random.Random(seed)
    drawn = [bisect.bisect(bounds, draw.random() * bounds[-1]) for _ in range(period)]
    return lambda ticket: drawn[ticket % period]
