"""The clocks of one gate: how many looks there is time for, and when to stop looking.

The first pair only warms the caches and is not counted. The number of looks is fixed before the
first of them is taken, from how long the pairs took, never from who was slower in them; so each
look's error stays what it is said to be. An alarm of the last look has no fresh epochs left to
confirm it, and stays unknown.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec

from reports.ledger import Ledger
from reports.load import short_name
from reports.looks import Look, allows_a_pass, confirm, look, smallest_visible_percent
from reports.pairs import Epoch, Side
from reports.policy import TimePolicy
from reports.schema import BenchmarkComparison, BenchmarkOutcome, Reason, Verdict

FAILURES_MOST = 2
PACE = 1.1
"""Pairs are planned a tenth slower than they were."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """What the clocks said: a row for each benchmark, and reasons with the verdict they argue."""

    rows: list[BenchmarkComparison]
    reasons: list[Reason]
    epoch_count: int
    is_pinned: bool


def measure(
    run_epoch: Callable[[], Epoch],
    policy: TimePolicy,
    *,
    left_s: Callable[[], float],
    say: Callable[[str], None],
    at: Callable[[str], None],
    ledger: Ledger,
    explain: Callable[[str], str | None] = lambda _: None,
) -> Timing:
    """Run pairs until they agree on an answer or the budget ends.

    `explain` gives what else is known of a slower benchmark, by its short name.
    """
    bad: list[Epoch] = []
    at("the first pair, which is not counted")
    first = run_epoch()
    while _failed(first):
        bad.append(first)
        if len(bad) == FAILURES_MOST:
            return _finished([], [], bad, policy)
        first = run_epoch()
    good: list[Epoch] = []
    seen = Look(rows=[], alarms=())
    looks = number = 1
    while number <= looks:
        wanted = policy.first_epochs if number == 1 else policy.next_epochs
        fresh: list[Epoch] = []
        pace_s = _pace_s([first, *good])
        if left_s() < pace_s * wanted:
            break
        while len(fresh) < wanted and len(bad) < FAILURES_MOST and left_s() > pace_s:
            at(f"look {number}, pair {len(fresh) + 1} of {wanted}")
            latest = run_epoch()
            (bad if _failed(latest) else fresh).append(latest)
        if len(fresh) < wanted:
            break
        good += fresh
        if number == 1:
            room = int(left_s() / _pace_s(good))
            looks = min(policy.looks_most, 1 + room // policy.next_epochs)
        confirmed = confirm(fresh, seen.alarms, policy)
        seen = look(good, policy, looks=looks, confirmed=confirmed)
        say(f"look {number} of {looks}: {_glance(seen)}")
        if confirmed or all(
            allows_a_pass(row, policy) or row.accepted for row in _ruled(seen.rows, policy, ledger)
        ):
            break
        number += 1
    rows = [_explained(row, explain) for row in _ruled(seen.rows, policy, ledger)]
    return _finished(rows, [first, *good], bad, policy)


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
        elif ruling.refusal is None and _is_sharp(row, policy):
            found.append(msgspec.structs.replace(row, accepted=ruling.text))
        elif ruling.refusal is not None:
            reason = "; ".join(filter(None, (row.reason, ruling.text)))
            found.append(msgspec.structs.replace(row, reason=reason))
        else:
            found.append(row)
    return found


def _is_sharp(row: BenchmarkComparison, policy: TimePolicy) -> bool:
    """Whether the run saw sharply enough to hold this row against any bound."""
    visible = smallest_visible_percent(row, policy)
    return visible is not None and visible <= policy.visible_percent


def _pace_s(epochs: Sequence[Epoch]) -> float:
    """How long the next pair may take, from the latest twelve."""
    latest = epochs[-12:]
    return PACE * sum(each.elapsed_s for each in latest) / len(latest)


def _glance(seen: Look) -> str:
    return ", ".join(f"{short_name(row.name)} {row.ratio:.3f}" for row in seen.rows)


def _finished(
    rows: list[BenchmarkComparison], good: Sequence[Epoch], bad: Sequence[Epoch], policy: TimePolicy
) -> Timing:
    reasons = _failure_reasons(good, bad) + _missing(good)
    if not bad or rows:
        reasons += _reasons(rows, policy)
    return Timing(
        rows=rows,
        reasons=reasons,
        epoch_count=max((row.epoch_count for row in rows), default=0),
        is_pinned=all(each.is_pinned for each in good),
    )


def _reasons(rows: Sequence[BenchmarkComparison], policy: TimePolicy) -> list[Reason]:
    if not rows:
        text = f"the time budget had no room for {policy.first_epochs} pairs: nothing was timed"
        return [Reason(verdict=Verdict.UNKNOWN, text=f"{text}. Raise --time-budget")]
    controls = [row for row in rows if row.is_control]
    loud = [row for row in controls if row.outcome is BenchmarkOutcome.NOT_QUIET]
    reasons = [
        Reason(
            verdict=Verdict.INVALID,
            text=f"{short_name(row.name)}, which no upgrade can touch, moved by a factor of "
            f"{row.ratio:.3f}: the clocks are not believed. Ask again on a quieter machine",
        )
        for row in loud
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
        if row not in loud and not allows_a_pass(row, policy)
    ]
    believed = bool(controls) and not loud
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
        text = f"{name} takes {row.ratio:.3f} times as long ({bounds}), confirmed on fresh pairs"
        text += f"; {row.reason}" if row.reason else ""
    elif allows_a_pass(row, policy):
        verdict = Verdict.PASS if believed else Verdict.UNKNOWN
        text = f"{name} takes {row.ratio:.3f} times as long ({bounds})"
        if visible := smallest_visible_percent(row, policy):
            text += f"; a slowdown of {visible:.0f} % would have shown"
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
        text += f"{len(good) + len(bad)} pairs: {words[-1]}"
        reasons.append(Reason(verdict=Verdict.FAIL if fails else Verdict.UNKNOWN, text=text))
    return reasons


def _missing(good: Sequence[Epoch]) -> list[Reason]:
    """Benchmarks that only one side measured."""
    reasons = []
    for side, other in ((Side.BASELINE, Side.CANDIDATE), (Side.CANDIDATE, Side.BASELINE)):
        names = {
            name
            for each in good
            for name in each.sides[side].undisturbed_s.keys()
            - each.sides[other].undisturbed_s.keys()
        }
        if names:
            listed = ", ".join(sorted(map(short_name, names)))
            text = f"only the {side.value} measured {listed}"
            reasons.append(Reason(verdict=Verdict.UNKNOWN, text=text))
    return reasons
