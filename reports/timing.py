"""The clocks of one gate: epochs until everything is settled or the time is up.

The first epoch only warms the caches and is not counted. Statements hold at any time, so one may
look after every epoch and stop whenever it is enough. What is settled is measured no longer, and
what is ambiguous or waits for its confirmation gets the time.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec

from reports.ledger import Ledger
from reports.load import short_name
from reports.looks import (
    Evidence,
    allows_a_pass,
    is_settled,
    is_sharp,
    smallest_visible_percent,
)
from reports.pairs import Epoch, Side
from reports.policy import TimePolicy
from reports.schema import BenchmarkComparison, BenchmarkOutcome, Reason, Verdict

FAILURES_MOST = 2
PACE = 1.2
"""An epoch is begun when there is time for one that takes a fifth longer than the last."""
SAID_EVERY = 6
"""Epochs from one line of progress to the next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """What the clocks said: a row for each benchmark, and reasons with the verdict they argue."""

    rows: list[BenchmarkComparison]
    reasons: list[Reason]
    epoch_count: int
    is_pinned: bool


RunEpoch = Callable[[Sequence[str] | None], Epoch]


def measure(
    run_epoch: RunEpoch,
    policy: TimePolicy,
    *,
    left_s: Callable[[], float],
    say: Callable[[str], None],
    at: Callable[[str], None],
    ledger: Ledger,
    explain: Callable[[str], str | None] = lambda _: None,
) -> Timing:
    """Run epochs until they settle the answer or the budget ends.

    `run_epoch` measures the named benchmarks, all for None. `explain` gives what else is known of a
    slower benchmark.
    """
    bad: list[Epoch] = []
    if left_s() <= 0:
        return _finished([], [], bad, None, policy)
    at("the first epoch, which is not counted")
    first = run_epoch(None)
    while _failed(first):
        bad.append(first)
        if len(bad) == FAILURES_MOST:
            return _finished([], [], bad, None, policy)
        first = run_epoch(None)
    seen = Evidence(policy=policy)
    wanted: list[str] | None = None
    latest = first
    said_at = 0
    while len(bad) < FAILURES_MOST and left_s() > PACE * latest.elapsed_s:
        at(f"epoch {len(seen.epochs) + 1}")
        latest = run_epoch(wanted)
        if _failed(latest):
            bad.append(latest)
            continue
        seen.add(latest)
        if len(seen.epochs) < policy.first_epochs:
            continue
        rows = _ruled(seen.rows(), policy, ledger)
        open_names = [row.name for row in rows if not (row.accepted or is_settled(row, policy))]
        if len(seen.epochs) - said_at >= SAID_EVERY or not open_names:
            say(f"{len(seen.epochs)} epochs: {_glance(rows)}")
            said_at = len(seen.epochs)
        if not open_names or seen.disbelief():
            break
        wanted = list(dict.fromkeys([*open_names, *sorted(seen.controls)]))
    if len(seen.epochs) < policy.first_epochs:
        return _finished([], [first, *seen.epochs], bad, None, policy)
    rows = [_explained(row, explain) for row in _ruled(seen.rows(), policy, ledger)]
    return _finished(rows, [first, *seen.epochs], bad, seen, policy)


def _explained(
    row: BenchmarkComparison, explain: Callable[[str], str | None]
) -> BenchmarkComparison:
    if row.outcome is not BenchmarkOutcome.REGRESSED:
        return row
    parts = (row.reason, explain(short_name(row.name)))
    return msgspec.structs.replace(row, reason="; ".join(filter(None, parts)) or None)


def _ruled(
    rows: Sequence[BenchmarkComparison], policy: TimePolicy, ledger: Ledger
) -> list[BenchmarkComparison]:
    """The rows, those that cannot pass by themselves with what the ledger says of them."""
    found = []
    for row in rows:
        passes = row.is_control or allows_a_pass(row, policy)
        ruling = ledger.benchmark(row, is_needed=not passes)
        if ruling is None:
            found.append(row)
        elif ruling.refusal is None and is_sharp(row, policy):
            found.append(msgspec.structs.replace(row, accepted=ruling.text))
        elif ruling.refusal is not None:
            reason = "; ".join(filter(None, (row.reason, ruling.text)))
            found.append(msgspec.structs.replace(row, reason=reason))
        else:
            found.append(row)
    return found


def _glance(rows: Sequence[BenchmarkComparison]) -> str:
    return ", ".join(f"{short_name(row.name)} {row.ratio:.3f}" for row in rows)


def _finished(
    rows: list[BenchmarkComparison],
    good: Sequence[Epoch],
    bad: Sequence[Epoch],
    seen: Evidence | None,
    policy: TimePolicy,
) -> Timing:
    reasons = _failure_reasons(good, bad) + _missing(good)
    if not bad or rows:
        reasons += _reasons(rows, [] if seen is None else seen.disbelief(), policy)
    return Timing(
        rows=rows,
        reasons=reasons,
        epoch_count=max((row.epoch_count for row in rows), default=0),
        is_pinned=all(each.is_pinned for each in good),
    )


def _reasons(
    rows: Sequence[BenchmarkComparison], disbelief: Sequence[str], policy: TimePolicy
) -> list[Reason]:
    if not rows:
        text = f"the time budget had no room for {policy.first_epochs} epochs: nothing was timed"
        return [Reason(verdict=Verdict.UNKNOWN, text=f"{text}. Give them more time")]
    controls = [row for row in rows if row.is_control]
    reasons = [
        Reason(
            verdict=Verdict.INVALID,
            text=f"{why}: the clocks are not believed. Ask again on a quieter machine",
        )
        for why in disbelief
    ]
    if not controls:
        text = "no control was measured, so nobody knows how quiet the machine was"
        reasons.append(Reason(verdict=Verdict.UNKNOWN, text=text))
    reasons += [
        Reason(
            verdict=Verdict.UNKNOWN,
            text=f"{short_name(row.name)}, which no upgrade can touch, scattered too much to let "
            f"anything pass ({_bounds(row)})",
        )
        for row in controls
        if not disbelief and not allows_a_pass(row, policy)
    ]
    believed = bool(controls) and not disbelief
    reasons += [_reason(row, policy, believed) for row in rows if not row.is_control]
    return reasons


def _reason(row: BenchmarkComparison, policy: TimePolicy, believed: bool) -> Reason:
    bounds = _bounds(row)
    name = short_name(row.name)
    if row.accepted is not None:
        verdict = Verdict.PASS if believed else Verdict.UNKNOWN
        text = f"{name} takes {row.ratio:.3f} times as long ({bounds}); {row.accepted}"
        return Reason(verdict=verdict, text=text, is_accepted=believed)
    if row.outcome is BenchmarkOutcome.REGRESSED:
        verdict = Verdict.FAIL if believed else Verdict.UNKNOWN
        text = f"{name} takes {row.ratio:.3f} times as long ({bounds}), confirmed on fresh epochs"
        if row.cpu_ratio is not None:
            text += f"; {row.cpu_ratio:.3f} times the CPU time"
        text += f"; {row.reason}" if row.reason else ""
    elif allows_a_pass(row, policy):
        verdict = Verdict.PASS if believed else Verdict.UNKNOWN
        text = f"{name} takes {row.ratio:.3f} times as long ({bounds})"
        if row.outcome is BenchmarkOutcome.SLOWER:
            text += ", slower for sure, by less than the margin for all that is known"
        if visible := smallest_visible_percent(row, policy):
            text += f"; a slowdown of {visible:.1f} % would have shown"
        text += f"; {row.reason}" if row.reason else ""
    else:
        verdict = Verdict.UNKNOWN
        why = row.reason or _why_no_pass(row, policy)
        text = f"{name} takes {row.ratio:.3f} times as long ({bounds}): {why}"
    return Reason(verdict=verdict, text=text)


def _why_no_pass(row: BenchmarkComparison, policy: TimePolicy) -> str:
    bound = 1 + policy.tolerance_percent / 100
    if row.ratio_high is not None and row.ratio_high < bound:
        return f"too much scatter to see {policy.visible_percent:g} %"
    return "the interval reaches beyond the tolerance"


def _bounds(row: BenchmarkComparison) -> str:
    if row.ratio_low is None or row.ratio_high is None:
        return "no interval"
    return f"{row.ratio_low:.3f} to {row.ratio_high:.3f}"


def _failed(epoch: Epoch) -> bool:
    return any(each.failure is not None for each in epoch.sides.values())


def _failure_reasons(good: Sequence[Epoch], bad: Sequence[Epoch]) -> list[Reason]:
    """A workload that never runs with the candidate, and always with the baseline, is a failure."""
    reasons = []
    for side in Side:
        words = [each.sides[side].failure for each in bad if each.sides[side].failure]
        if not words:
            continue
        other = next(each for each in Side if each is not side)
        is_total = not good and len(words) == len(bad)
        is_alone = all(each.sides[other].failure is None for each in bad)
        fails = side is Side.CANDIDATE and is_total and is_alone
        text = f"the benchmarks failed with the {side.value} in {len(words)} of "
        text += f"{len(good) + len(bad)} epochs: {words[-1]}"
        reasons.append(Reason(verdict=Verdict.FAIL if fails else Verdict.UNKNOWN, text=text))
    return reasons


def _missing(good: Sequence[Epoch]) -> list[Reason]:
    """Benchmarks that only one side measured, or both in rounds that cannot be paired."""
    reasons = []
    unpaired = {
        name
        for each in good
        for name in each.sides[Side.BASELINE].rounds_s.keys() & each.sides[Side.CANDIDATE].rounds_s
        if name not in each.log_ratios()
    }
    if unpaired:
        listed = ", ".join(sorted(map(short_name, unpaired)))
        text = f"the rounds of both sides could not be paired, and nothing is known of {listed}"
        reasons.append(Reason(verdict=Verdict.UNKNOWN, text=text))
    for side, other in ((Side.BASELINE, Side.CANDIDATE), (Side.CANDIDATE, Side.BASELINE)):
        names = {
            name
            for each in good
            for name in each.sides[side].rounds_s.keys() - each.sides[other].rounds_s.keys()
        }
        if names:
            listed = ", ".join(sorted(map(short_name, names)))
            text = f"only the {side.value} measured {listed}"
            reasons.append(Reason(verdict=Verdict.UNKNOWN, text=text))
    return reasons
