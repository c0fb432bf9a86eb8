"""What the epochs so far say: bounds, alarms, confirmations, and whether the clocks are believed.

- An *alarm* is a benchmark whose median is above the margin: p-values valid at any time, Holm over
  the benchmarks. So the chance of any false alarm, at whatever moment one stops, is at most the
  family error.
- An alarm counts when the epochs *after* it alone say the same, at the confirmation error shared in
  equal parts by the benchmarks (Bonferroni). Given the past, their wealth starts again at 1; so one
  release against itself fails with at most family error times confirmation error a run.
- A benchmark is close enough when its upper bound lies under the tolerance. An upgrade passes only
  where all are, so this bound needs no correction for their number (R. L. Berger,
  "Multiparameter hypothesis testing and acceptance sampling", Technometrics 24, 1982).
- What is settled need not be measured any longer: every statement holds at any time.
- Work between the rounds is no gift: where a side hides some, CPU times with it in them count.
- The clocks are believed unless something that no upgrade can touch has moved: the control between
  the sides, or any benchmark between the baseline and its twin.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from reports.pairs import Epoch, Side
from reports.policy import TimePolicy
from reports.schema import BenchmarkComparison, BenchmarkOutcome
from reports.statistics import holm_levels, median, median_sequence, quantiles, sign_p_value


@dataclass(kw_only=True)
class Evidence:
    """Everything measured so far: log ratios by benchmark, one an epoch.

    `alarmed_at` says with how many epochs an alarm was raised.
    """

    policy: TimePolicy
    epochs: list[Epoch] = field(default_factory=list)
    ratios: dict[str, list[float]] = field(default_factory=dict)
    cpu_ratios: dict[str, list[float]] = field(default_factory=dict)
    twin_ratios: dict[str, list[float]] = field(default_factory=dict)
    hidden_shares: dict[str, list[float]] = field(default_factory=dict)
    middles_s: dict[tuple[Side, str], list[float]] = field(default_factory=dict)
    controls: set[str] = field(default_factory=set)
    alarmed_at: dict[str, int] = field(default_factory=dict)
    confirmed: set[str] = field(default_factory=set)

    def add(self, epoch: Epoch) -> None:
        """Look at one more epoch."""
        self.epochs.append(epoch)
        self.controls |= epoch.sides[Side.BASELINE].controls
        for kept, latest in (
            (self.ratios, self._numbers(epoch)),
            (self.hidden_shares, epoch.hidden_shares()),
            (self.cpu_ratios, epoch.cpu_log_ratios()),
            (self.twin_ratios, epoch.twin_log_ratios()),
        ):
            for name, value in latest.items():
                kept.setdefault(name, []).append(value)
        for side, measured in epoch.sides.items():
            for name in measured.rounds_s:
                self.middles_s.setdefault((side, name), []).append(measured.middle_s(name))
        if len(self.epochs) < self.policy.first_epochs:
            return
        judged = {name: each for name, each in self.ratios.items() if name not in self.controls}
        p_values = {name: sign_p_value(v, above=self._margin()) for name, v in judged.items()}
        levels = holm_levels(p_values, error=self.policy.family_error)
        for name, values in judged.items():
            if name in self.alarmed_at:
                fresh = values[self.alarmed_at[name] :]
                error = self.policy.confirmation_error / len(judged)
                if sign_p_value(fresh, above=self._margin()) <= error:
                    self.confirmed.add(name)
            elif p_values[name] <= levels[name]:
                self.alarmed_at[name] = len(values)

    def _numbers(self, epoch: Epoch) -> dict[str, float]:
        """The log ratio of each benchmark, with what was hidden from the clock."""
        found, shares = epoch.log_ratios(), epoch.hidden_shares()
        hiding = (n for n in found.keys() - self.controls if self._is_hiding(shares.get(n, 0.0)))
        return found | {name: epoch.charged_log_ratio(name) for name in hiding}

    def _is_hiding(self, share: float) -> bool:
        return abs(share) * 100 > self.policy.hidden_percent

    def _told_hidden(self, name: str) -> str | None:
        share = median(self.hidden_shares.get(name, [0.0]))
        if name in self.controls or not self._is_hiding(share):
            return None
        side, other = ("candidate", "baseline") if share > 0 else ("baseline", "candidate")
        return (
            f"the {side} works between its rounds {abs(share) * 100:.0f} % of a round's CPU time "
            f"more than the {other}, as a thread in the background does; it is counted in"
        )

    def rows(self) -> list[BenchmarkComparison]:
        """Each benchmark with its bounds and what follows; controls last."""
        p_values = {
            name: sign_p_value(values, above=self._margin())
            for name, values in self.ratios.items()
            if name not in self.controls
        }
        levels = holm_levels(p_values, error=self.policy.family_error)
        rows = [
            self._row(name, values, levels.get(name, self.policy.family_error))
            for name, values in self.ratios.items()
        ]
        return sorted(rows, key=lambda row: (row.is_control, row.name))

    def _row(self, name: str, values: Sequence[float], low_error: float) -> BenchmarkComparison:
        policy = self.policy
        is_control = name in self.controls
        bounds = median_sequence(values, low_error=low_error, high_error=policy.family_error)
        outcome, reason = self._outcome(name, bounds.low, bounds.high)
        if is_control:
            outcome, reason = _control_outcome(values, policy)
        reason = "; ".join(filter(None, (reason, self._told_hidden(name)))) or None
        cpu, twin = self.cpu_ratios.get(name), self.twin_ratios.get(name)
        hidden = self.hidden_shares.get(name)
        return BenchmarkComparison(
            name=name,
            is_control=is_control,
            baseline_us=median(self.middles_s[Side.BASELINE, name]) * 1e6,
            candidate_us=median(self.middles_s[Side.CANDIDATE, name]) * 1e6,
            ratio=math.exp(bounds.middle),
            ratio_low=None if bounds.low is None else math.exp(bounds.low),
            ratio_high=None if bounds.high is None else math.exp(bounds.high),
            confidence=1 - low_error - policy.family_error,
            epoch_count=len(values),
            outcome=outcome,
            epoch_ratios=[round(math.exp(value), 5) for value in values],
            cpu_ratio=None if cpu is None else math.exp(median(cpu)),
            twin_ratio=None if twin is None else math.exp(median(twin)),
            hidden_percent=median(hidden) * 100 if hidden else None,
            reason=reason,
            baseline_quantiles_us=self._quantiles_us(Side.BASELINE, name),
            candidate_quantiles_us=self._quantiles_us(Side.CANDIDATE, name),
        )

    def _quantiles_us(self, side: Side, name: str) -> list[float]:
        rounds = [each.sides[side].rounds_s.get(name, ()) for each in self.epochs]
        return quantiles([taken * 1e6 for each in rounds for taken in each])

    def _outcome(
        self, name: str, low: float | None, high: float | None
    ) -> tuple[BenchmarkOutcome, str | None]:
        if name in self.confirmed:
            return BenchmarkOutcome.REGRESSED, None
        if name in self.alarmed_at:
            return BenchmarkOutcome.UNKNOWN, "an alarm that fresh epochs did not confirm"
        if low is None or high is None:
            return BenchmarkOutcome.UNKNOWN, "too few epochs for an interval"
        if high < 0:
            return BenchmarkOutcome.FASTER, None
        if low > 0:
            return BenchmarkOutcome.SLOWER, None
        if high < math.log1p(self.policy.tolerance_percent / 100):
            return BenchmarkOutcome.WITHIN_TOLERANCE, None
        return BenchmarkOutcome.UNKNOWN, "the interval reaches beyond the tolerance"

    def disbelief(self) -> list[str]:
        """Why the clocks cannot be believed: what no upgrade can touch has moved."""
        said = []
        for name in sorted(self.controls & self.ratios.keys()):
            if _control_outcome(self.ratios[name], self.policy)[0] is BenchmarkOutcome.NOT_QUIET:
                moved = math.exp(median(self.ratios[name]))
                said.append(f"{name}, which no upgrade can touch, moved by a factor of {moved:.3f}")
        for name, values in sorted(self.twin_ratios.items()):
            if _moved(values, self.policy, error=self.policy.invalid_error / len(self.twin_ratios)):
                moved = math.exp(median(values))
                said.append(
                    f"the baseline against itself differs in {name} by a factor of {moved:.3f}"
                )
        return said

    def _margin(self) -> float:
        return math.log1p(self.policy.margin_percent / 100)


def _control_outcome(
    values: Sequence[float], policy: TimePolicy
) -> tuple[BenchmarkOutcome, str | None]:
    if _moved(values, policy, error=policy.invalid_error):
        return BenchmarkOutcome.NOT_QUIET, "no upgrade can touch it, and yet it moved"
    return BenchmarkOutcome.QUIET, None


def _moved(values: Sequence[float], policy: TimePolicy, *, error: float) -> bool:
    """Whether the median lies beyond the control's bound, on either side."""
    far = math.log1p(policy.control_percent / 100)
    return any(
        sign_p_value(each, above=far) <= error / 2 for each in (values, [-v for v in values])
    )


def is_settled(row: BenchmarkComparison, policy: TimePolicy) -> bool:
    """Whether more epochs would change nothing that the verdict needs."""
    return row.outcome is BenchmarkOutcome.REGRESSED or allows_a_pass(row, policy)


def allows_a_pass(row: BenchmarkComparison, policy: TimePolicy) -> bool:
    """Whether a row argues for a pass: near enough, and seen sharply enough to say so."""
    if row.is_control:
        return row.outcome is BenchmarkOutcome.QUIET and is_sharp(row, policy)
    bound = 1 + policy.tolerance_percent / 100
    is_near = row.ratio_high is not None and row.ratio_high < bound
    return row.outcome in _HARMLESS and is_near and is_sharp(row, policy)


_HARMLESS = {
    BenchmarkOutcome.WITHIN_TOLERANCE,
    BenchmarkOutcome.FASTER,
    BenchmarkOutcome.SLOWER,
}


def is_sharp(row: BenchmarkComparison, policy: TimePolicy) -> bool:
    """Whether the run could have seen what the policy says it must have been able to see."""
    visible = smallest_visible_percent(row, policy)
    return visible is not None and visible <= policy.visible_percent


def smallest_visible_percent(row: BenchmarkComparison, policy: TimePolicy) -> float | None:
    """The slowdown from which on these epochs would have raised an alarm, about."""
    if row.ratio_low is None:
        return None
    return (row.ratio / row.ratio_low * (1 + policy.margin_percent / 100) - 1) * 100
