"""What a number of epochs say: bounds, alarms, confirmation, and the control.

- An alarm is a benchmark whose lower bound lies above the margin: Holm over the benchmarks, the
  looks sharing the error in equal parts (Bonferroni).
- An alarm counts only when fresh epochs alone repeat it at the confirmation error. Alarms are asked
  in the order in which the earlier epochs put them, the highest lower bound first, each at the
  full error, up to the first that is not repeated (the fixed-sequence procedure: W. Maurer,
  L. A. Hothorn, W. Lehmacher, "Multiple comparisons in drug clinical trials and preclinical
  assays: a-priori ordered hypotheses", 1995). The order owes nothing to the fresh epochs.
- A benchmark is close enough when its upper bound lies under the tolerance. An upgrade passes only
  where all are, so this bound needs no correction for their number (R. L. Berger,
  "Multiparameter hypothesis testing and acceptance sampling", Technometrics 24, 1982).
- The control is quiet unless its median lies beyond `control_percent` on either side.

For one release against itself an alarm and its confirmation are sign tests on exchangeable pairs
of different epochs: a false failure has at most the chance family error times confirmation error.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from reports.pairs import Epoch, Side
from reports.policy import TimePolicy
from reports.schema import BenchmarkComparison, BenchmarkOutcome
from reports.statistics import holm_levels, median, median_interval, sign_test


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """The benchmarks after some epochs; `alarms` wait for confirmation, the loudest first."""

    rows: list[BenchmarkComparison]
    alarms: tuple[str, ...]


def look(
    epochs: Sequence[Epoch], policy: TimePolicy, *, looks: int, confirmed: frozenset[str]
) -> Look:
    """Judge all epochs so far, as one of `looks` looks."""
    ratios = log_ratios(epochs)
    controls = {name for each in epochs for name in each.sides[Side.BASELINE].controls}
    error = policy.family_error / looks
    margin = math.log1p(policy.margin_percent / 100)
    p_values = {n: sign_test(v, above=margin) for n, v in ratios.items() if n not in controls}
    levels = holm_levels(p_values, error=error)
    alarms = {name for name, level in levels.items() if p_values[name] <= level}
    rows = []
    for name, values in ratios.items():
        low = median_interval(values, error=levels.get(name, error))
        high = median_interval(values, error=error)
        outcome, reason = _outcome(low.low, high.high, policy)
        if name in controls:
            outcome, reason = _control_outcome(values, policy)
        elif name in confirmed:
            outcome, reason = BenchmarkOutcome.REGRESSED, None
        elif name in alarms:
            outcome, reason = BenchmarkOutcome.UNKNOWN, "an alarm that fresh pairs did not confirm"
        rows.append(
            BenchmarkComparison(
                name=name,
                is_control=name in controls,
                baseline_us=_middle_us(epochs, Side.BASELINE, name),
                candidate_us=_middle_us(epochs, Side.CANDIDATE, name),
                ratio=math.exp(median(values)),
                ratio_low=None if low.low is None else math.exp(low.low),
                ratio_high=None if high.high is None else math.exp(high.high),
                confidence=1 - low.error - high.error,
                epoch_count=len(values),
                outcome=outcome,
                epoch_ratios=[round(math.exp(value), 5) for value in values],
                reason=reason,
            )
        )
    loudest = sorted(rows, key=lambda row: row.ratio_low or 0.0, reverse=True)
    return Look(
        rows=sorted(rows, key=lambda row: (row.is_control, row.name)),
        alarms=tuple(row.name for row in loudest if row.name in alarms),
    )


def confirm(fresh: Sequence[Epoch], alarms: Sequence[str], policy: TimePolicy) -> frozenset[str]:
    """Which alarms the fresh epochs repeat by themselves, asked in the order that is given."""
    margin = math.log1p(policy.margin_percent / 100)
    ratios = log_ratios(fresh)
    confirmed = set()
    for name in alarms:
        if name not in ratios:
            break
        if sign_test(ratios[name], above=margin) > policy.confirmation_error:
            break
        confirmed.add(name)
    return frozenset(confirmed)


def allows_a_pass(row: BenchmarkComparison, policy: TimePolicy) -> bool:
    """Whether a row argues for a pass: near enough, and seen sharply enough to say so."""
    visible = smallest_visible_percent(row, policy)
    if visible is None or visible > policy.visible_percent:
        return False
    if row.is_control:
        return row.outcome is BenchmarkOutcome.QUIET
    bound = 1 + policy.tolerance_percent / 100
    return row.outcome in _HARMLESS and row.ratio_high is not None and row.ratio_high < bound


_HARMLESS = {
    BenchmarkOutcome.WITHIN_TOLERANCE,
    BenchmarkOutcome.FASTER,
    BenchmarkOutcome.SLOWER,
}


def smallest_visible_percent(row: BenchmarkComparison, policy: TimePolicy) -> float | None:
    """The slowdown from which on these epochs would have raised an alarm, about."""
    if row.ratio_low is None:
        return None
    return (row.ratio / row.ratio_low * (1 + policy.margin_percent / 100) - 1) * 100


def log_ratios(epochs: Sequence[Epoch]) -> dict[str, list[float]]:
    """One number an epoch for each benchmark that every epoch measured on both sides."""
    each = [epoch.log_ratios() for epoch in epochs]
    names = [name for name in each[0] if all(name in ratios for ratios in each)] if each else []
    return {name: [ratios[name] for ratios in each] for name in names}


def _outcome(
    low: float | None, high: float | None, policy: TimePolicy
) -> tuple[BenchmarkOutcome, str | None]:
    if low is None or high is None:
        return BenchmarkOutcome.UNKNOWN, "too few pairs for an interval"
    if high < 0:
        return BenchmarkOutcome.FASTER, None
    if low > 0:
        return BenchmarkOutcome.SLOWER, None
    if high < math.log1p(policy.tolerance_percent / 100):
        return BenchmarkOutcome.WITHIN_TOLERANCE, None
    return BenchmarkOutcome.UNKNOWN, "the interval reaches beyond the tolerance"


def _control_outcome(
    values: Sequence[float], policy: TimePolicy
) -> tuple[BenchmarkOutcome, str | None]:
    far = math.log1p(policy.control_percent / 100)
    p_value = min(sign_test(v, above=far) for v in (values, [-value for value in values]))
    if p_value <= policy.confirmation_error:
        return BenchmarkOutcome.NOT_QUIET, "no upgrade can touch it, and yet it moved"
    return BenchmarkOutcome.QUIET, None


def _middle_us(epochs: Sequence[Epoch], side: Side, name: str) -> float:
    return median([epoch.sides[side].undisturbed_s[name] for epoch in epochs]) * 1e6
