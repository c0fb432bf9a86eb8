"""From what was seen to a verdict, with the reasons in their order of weight.

A failure that was seen and is not accepted stands, whatever could not be judged beside it.
Otherwise what is invalid outweighs what is unknown, and only when nothing of either is left is it
a pass. An assumption that fails alike in both environments is named and is not held against the
upgrade; a promise of our machine that does leaves nothing to judge the upgrade by.
"""

from collections.abc import Iterable, Sequence

from reports.documents.words import brief
from reports.laws import LawsRun
from reports.schema import (
    BehaviourChange,
    BenchmarkComparison,
    BenchmarkOutcome,
    ChangeOutcome,
    LawComparison,
    LawKind,
    LawOutcome,
    Reason,
    Verdict,
)

WEIGHT = (Verdict.FAIL, Verdict.INVALID, Verdict.USAGE, Verdict.UNKNOWN, Verdict.PASS)
NAMED_MOST = 12
"""Reasons of one kind that are told one by one; the record holds all laws."""


def decide(reasons: Iterable[Reason]) -> tuple[Verdict, list[Reason]]:
    """The heaviest reason decides; nothing to go by is unknown."""
    ordered = sorted(
        reasons, key=lambda reason: (WEIGHT.index(reason.verdict), not reason.is_accepted)
    )
    if not ordered:
        nothing = Reason(verdict=Verdict.UNKNOWN, text="nothing was judged")
        return Verdict.UNKNOWN, [nothing]
    return ordered[0].verdict, ordered


def law_reasons(
    rows: Sequence[LawComparison], baseline: LawsRun, candidate: LawsRun
) -> list[Reason]:
    """What the laws argue for."""
    reasons = []
    for side, run in (("baseline", baseline), ("candidate", candidate)):
        if run.problem is not None:
            text = f"the laws: the {side} {run.problem}"
            reasons.append(Reason(verdict=Verdict.UNKNOWN, text=text))
    held = sum(row.outcome is LawOutcome.HOLDS for row in rows)
    if not held:
        text = "no law held in both environments"
        reasons.append(Reason(verdict=Verdict.UNKNOWN, text=text))
    else:
        text = f"{held} of {len(rows)} laws hold in both environments"
        reasons.append(Reason(verdict=Verdict.PASS, text=text))
    reasons += [
        Reason(
            verdict=Verdict.PASS,
            text=f"the law {row.law} newly fails; {row.accepted}",
            is_accepted=True,
        )
        for row in rows
        if row.accepted is not None
    ]
    if candidate.refused is not None:
        text = f"the subject can be made with the baseline, not with this: {candidate.refused}"
        reasons.append(Reason(verdict=Verdict.FAIL, text=text))
    lacking = [row for row in rows if row.is_not_offered]
    if lacking:
        names = ", ".join(row.law.partition(" ")[0] for row in lacking)
        text = f"{len(lacking)} laws are not asked: the subject offers no ground for {names}"
        reasons.append(Reason(verdict=Verdict.PASS, text=text))
    rows = [row for row in rows if row not in lacking]
    for outcome, verdict, text in _SENTENCES:
        found = [row for row in rows if row.outcome is outcome and row.accepted is None]
        # A promise of the machine weighs more than what is only assumed of a library.
        found.sort(key=lambda row: row.kind is not LawKind.MACHINE)
        if outcome is LawOutcome.UNKNOWN and (baseline.problem or candidate.problem):
            # One crash makes every law unknown, and was told above.
            words = ", ".join(row.law for row in found[:NAMED_MOST])
            rest = f", and {len(found) - NAMED_MOST} more" if len(found) > NAMED_MOST else ""
            many = "1 law" if len(found) == 1 else f"{len(found)} laws"
            if found:
                text = f"{many} unknown for it: {words}{rest}"
                reasons.append(Reason(verdict=verdict, text=text))
            continue
        if outcome is LawOutcome.FAILS_IN_BOTH:
            promises = [row for row in found if row.kind is LawKind.MACHINE]
            reasons += [
                Reason(verdict=Verdict.UNKNOWN, text=_PROMISE.format(row.law)) for row in promises
            ]
            found = [row for row in found if row not in promises]
        texts = [text.format(row.law) + _more(row) for row in found[:NAMED_MOST]]
        if (more := len(found) - NAMED_MOST) > 0:
            texts.append(f"{more} more laws: {outcome.value}; the record names them")
        reasons += [Reason(verdict=verdict, text=each) for each in texts]
    return reasons


_PROMISE = (
    "the law {}, a promise of the machine, fails with the baseline already: whether the upgrade "
    "breaks it cannot be seen. Mend that first"
)
_SENTENCES = (
    (LawOutcome.NEW_FAILURE, Verdict.FAIL, "the law {} holds with the baseline, not with this"),
    (LawOutcome.FAILS_OTHERWISE, Verdict.UNKNOWN, "the law {} fails in both, in another way"),
    (LawOutcome.UNKNOWN, Verdict.UNKNOWN, "the law {} is unknown"),
    (LawOutcome.NOT_ASKED, Verdict.UNKNOWN, "the law {} was not asked"),
    (LawOutcome.FIXED, Verdict.PASS, "the law {} fails with the baseline and holds with this"),
    (
        LawOutcome.FAILS_IN_BOTH,
        Verdict.PASS,
        "the law {} fails in both, which is not the upgrade's fault",
    ),
)


def _more(row: LawComparison) -> str:
    parts = [brief(row.reason or ""), f"we lean on it: {row.leans_on}" if row.leans_on else ""]
    if row.outcome in {LawOutcome.NEW_FAILURE, LawOutcome.FAILS_OTHERWISE} and row.failure:
        parts.append(brief(row.failure))
    return "".join(f"; {part}" for part in parts if part)


def summary(
    verdict: Verdict,
    laws: Sequence[LawComparison],
    benchmarks: Sequence[BenchmarkComparison],
    reasons: Sequence[Reason],
    behaviour: Sequence[BehaviourChange] = (),
) -> str:
    """Figures in a few words for the last line."""
    held = sum(row.outcome is LawOutcome.HOLDS for row in laws)
    broken = sum(row.outcome is LawOutcome.NEW_FAILURE and not row.accepted for row in laws)
    slower = sum(
        row.outcome is BenchmarkOutcome.REGRESSED and not row.accepted for row in benchmarks
    )
    accepted = sum(reason.is_accepted for reason in reasons)
    epochs = max((row.epoch_count for row in benchmarks), default=0)
    figures = [f"{held} of {len(laws)} laws hold"]
    if broken:
        figures.append(f"{broken} newly fail")
    if behaviour:
        changed = sum(each.outcome is ChangeOutcome.CHANGED for each in behaviour)
        figures.append(f"{len(behaviour)} changes of behaviour ({changed} open)")
    figures.append(f"{epochs} epochs timed" if epochs else "nothing timed")
    if slower:
        figures.append(f"regressed: {slower}")
    if accepted:
        figures.append(f"accepted: {accepted}")
    if verdict is Verdict.UNKNOWN:
        figures.append(f"open: {sum(each.verdict is verdict for each in reasons)}")
    return ", ".join(figures)
