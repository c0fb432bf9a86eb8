"""What other tools would say of the same rounds: the rules that people use today, for comparison.

Sources
- pytest-benchmark's `--benchmark-compare-fail=STAT:5%`: fails where the candidate's statistic is
  more than 5 % above the baseline's (its documentation, "Comparing past runs").
- pyperf's `compare_to`: a difference counts where Student's two-sample, two-tailed t-test at 95 %
  calls it significant (its documentation, "compare_to"); slower where the mean is.
- Mann-Whitney: H. B. Mann and D. R. Whitney, "On a test of whether one of two random variables is
  stochastically larger than the other", Annals of Mathematical Statistics 18 (1947); normal
  approximation with the correction for ties, one-sided at 5 %.

Choices: all rounds of all epochs of a side are one sample, as if they had been one run; that is
kinder than one process each, because the epochs average over processes. The t quantile is the
Cornish-Fisher expansion, good to three digits from ten degrees of freedom on.
"""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from reports.statistics import median

LIMIT_PERCENT = 5.0
Z_95 = 1.959963985
Z_ONE_SIDED_95 = 1.644853627

Rule = Callable[[Sequence[float], Sequence[float]], bool]


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def exceeds(statistic: Callable[[Sequence[float]], float]) -> Rule:
    """pytest-benchmark's rule for one statistic."""
    return lambda before, after: statistic(after) / statistic(before) > 1 + LIMIT_PERCENT / 100


def t_test_says_slower(before: Sequence[float], after: Sequence[float]) -> bool:
    """pyperf's rule; the variance is pooled."""
    freedom = len(before) + len(after) - 2
    means = _mean(before), _mean(after)
    squares = sum(
        math.fsum((value - mean) ** 2 for value in values)
        for values, mean in zip((before, after), means, strict=True)
    )
    error = math.sqrt(squares / freedom * (1 / len(before) + 1 / len(after)))
    return means[1] - means[0] > _t_quantile(freedom) * error


def _t_quantile(freedom: int) -> float:
    z = Z_95
    first = (z**3 + z) / (4 * freedom)
    second = (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * freedom**3)
    return z + first + second + third


def ranks_say_slower(before: Sequence[float], after: Sequence[float]) -> bool:
    """Mann-Whitney's rule."""
    ordered = sorted([*before, *after])
    first: dict[float, int] = {}
    for place, value in enumerate(ordered, 1):
        first.setdefault(value, place)
    ties = Counter(ordered)
    rank_sum = math.fsum(first[value] + (ties[value] - 1) / 2 for value in after)
    count, other = len(after), len(before)
    total = count + other
    above = rank_sum - count * (count + 1) / 2
    tied = sum(each**3 - each for each in ties.values()) / (total * (total - 1))
    spread = math.sqrt(count * other / 12 * (total + 1 - tied))
    return spread > 0 and (above - count * other / 2) / spread > Z_ONE_SIDED_95


RULES: Mapping[str, Rule] = {
    "pytest-benchmark mean:5%": exceeds(_mean),
    "pytest-benchmark median:5%": exceeds(median),
    "pytest-benchmark min:5%": exceeds(min),
    "pyperf compare_to": t_test_says_slower,
    "Mann-Whitney 5%": ranks_say_slower,
}
