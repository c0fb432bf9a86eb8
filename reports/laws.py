"""The laws in both environments, and what each says about the upgrade.

An assumption that fails in both environments is not the upgrade's fault, unless it fails for
another reason; a promise of our machine that fails in both leaves nothing to judge an upgrade by.
A side that crashed, hung or left no record is unknown, and so is a law that only one side reported
or worked on: absence of a failure is never a pass. Failures stand even where the process did not
end well afterwards; passes do not, unless it was we who ended it: what had been asked to its end by
then is as good as ever.
"""

import math
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from reports import schema
from reports.documents.words import brief
from reports.environments import BuiltEnvironment, measured_environ
from reports.kept import once
from reports.policy import DurabilityPolicy
from reports.processes import Ended, Pulse, run
from reports.schema import (
    NEXT_FAILURE,
    LawComparison,
    LawKind,
    LawOutcome,
    LawRecord,
    LawsRecord,
    LawVerdict,
    RecordError,
    RecordMissingError,
    Verdict,
)
from reports.session import UsageError

NUMBER = re.compile(r"0x[0-9a-fA-F]+|\d+")


@dataclass(frozen=True, slots=True, kw_only=True)
class LawsRun:
    """What one side reported, and what stands against believing it.

    `was_stopped` where nothing is wrong with it but that its time was up. `refused` says why the
    subject cannot be made there, where another release can make it.
    """

    record: LawsRecord | None
    problem: str | None
    was_stopped: bool = False
    refused: str | None = None


def run_laws(
    start: Sequence[str],
    *,
    checkout: Path,
    scratch: Path,
    seed: int,
    limit_s: float,
    pulse: Pulse,
    only: Sequence[str] = (),
    subjects: Sequence[str] = (),
    beside: str | None = None,
    profile: str = "gate",
    cases: Sequence[str] = (),
) -> LawsRun:
    """Run the laws with what starts a module in an environment; a seed draws the same on each.

    None named in `only`, or `subjects`, are all; `beside` is where somebody's own are found,
    `cases` are options about what is drawn.
    """
    out = scratch / "laws.json"
    argv = [*start, "properties", "--profile", profile, "--record", str(out), "--seed", str(seed)]
    argv += [word for law in only for word in ("--law", law)]
    argv += [] if beside is None else ["--with", beside]
    argv += [word for subject in subjects for word in ("--subject", subject)]
    argv += cases

    def ask() -> Ended:
        return run(
            argv,
            folder=checkout,
            environ=measured_environ(seed),
            log=scratch / "laws.log",
            limit_s=limit_s,
            pulse=pulse,
        )

    return read_run(out, once(scratch, ask))


def run_durability(
    built: BuiltEnvironment,
    policy: DurabilityPolicy,
    *,
    checkout: Path,
    scratch: Path,
    seed: int,
    pulse: Pulse,
) -> LawsRun:
    """Run what takes several processes on an environment's SQLite."""
    out = scratch / "laws.json"
    argv = [str(built.python), "-m", "properties.durability", "--sqlite", str(built.sqlite)]
    argv += ["--seconds", f"{policy.seconds:g}", "--runs", str(policy.runs), "--until-shown"]
    argv += ["--seed", str(seed), "--record", str(out)]

    def ask() -> Ended:
        return run(
            argv,
            folder=checkout,
            environ=measured_environ(seed),
            log=scratch / "durability.log",
            limit_s=policy.side_s,
            pulse=pulse,
        )

    return read_run(out, once(scratch, ask))


def joined(run: LawsRun, durability: LawsRun) -> LawsRun:
    """The laws of one side, with what several processes showed of its SQLite.

    A defect that needs luck and is known of this very version is believed without it: the release
    that mends it is a fix, and the one that brings it a failure, also in a quiet run.
    """
    if run.record is None or durability.record is None:
        return replace(run, problem=run.problem or durability.problem, was_stopped=False)
    found = [_as_known(law) for law in durability.record.laws]
    record = msgspec.structs.replace(run.record, laws=[*run.record.laws, *found])
    problems = [each for each in (run.problem, durability.problem) if each is not None]
    return LawsRun(
        record=record,
        problem="; ".join(problems) or None,
        was_stopped=(run.was_stopped or run.problem is None)
        and (durability.was_stopped or durability.problem is None)
        and bool(problems),
    )


def _as_known(law: LawRecord) -> LawRecord:
    """Under one subject on both sides, as its version is what is compared.

    What is known is told first, so that it is the same defect on both sides, shown or not.
    """
    law = msgspec.structs.replace(law, subject="SQLite")
    if not law.is_known or law.kind is not LawKind.ASSUMPTION or law.verdict is LawVerdict.UNKNOWN:
        return law
    failure = f"{law.reason}\n{law.failure or 'These runs did not show it.'}"
    return msgspec.structs.replace(law, verdict=LawVerdict.FAIL, failure=failure)


def read_run(out: Path, ended: Ended) -> LawsRun:
    """Put the record and the way the process ended together."""
    said_usage = ": usage: " in ended.last_line
    if said_usage and ended.exit_code == Verdict.USAGE.exit_code and not out.exists():
        raise UsageError(f"the laws refused the question: {ended.refusal}")
    try:
        record = schema.read(out, LawsRecord)
    except RecordMissingError:
        problem = f"{_ending(ended)} and left no record: {ended.last_words}"
        return LawsRun(record=None, problem=problem)
    except RecordError as error:
        problem = f"{_ending(ended)} and its record is {error.what}"
        return LawsRun(record=None, problem=problem)
    if record.is_partial:
        was_stopped = ended.exit_code is None
        problem = f"{_ending(ended)}: {record.summary}"
        return LawsRun(record=record, problem=problem, was_stopped=was_stopped)
    if ended.exit_code != record.verdict.exit_code:
        return LawsRun(record=record, problem=f"{_ending(ended)} after it had written its record")
    return LawsRun(record=record, problem=_doubt(record))


def _doubt(record: LawsRecord) -> str | None:
    """Why a record that was written in good order does not say what its laws say."""
    if record.dropped:
        return f"did not ask what is pinned: {', '.join(record.dropped)}"
    told = {law.verdict for law in record.laws}
    explained = {
        Verdict.PASS: True,
        Verdict.FAIL: LawVerdict.FAIL in told,
        Verdict.UNKNOWN: bool(told & {LawVerdict.UNKNOWN, LawVerdict.NOT_ASKED}),
    }
    if explained.get(record.verdict, False):
        return None
    return f"ended {record.verdict.value}, for no law: {record.summary}"


DRAWN_BY = "hypothesis"
"""The library that draws the cases of laws; another release draws others from the same seed."""


def drawing_laws(run: LawsRun) -> set[str]:
    """The laws that were asked about drawn cases."""
    return {law.law for law in run.record.laws if law.drawn} if run.record else set()


def newly_broken(before: LawsRun, after: LawsRun) -> set[str]:
    """The laws that draw and fail on the second side alone."""
    held = {key for key, law in _by_law(before).items() if law.verdict is LawVerdict.PASS}
    return {
        law.law
        for key, law in _by_law(after).items()
        if key in held and law.verdict is LawVerdict.FAIL and law.drawn
    }


def with_met(own: LawsRun, again: LawsRun, laws: Collection[str]) -> LawsRun:
    """What a side says of its own cases and of those that the other side drew for these laws.

    A failure stands, whoever drew its case; cases that were not met leave their law unknown.
    """
    if own.record is None:
        return own
    said = _by_law(again)
    both = [
        _with_met(law, said.get((law.law, law.subject)), again) if law.law in laws else law
        for law in own.record.laws
    ]
    return replace(own, record=msgspec.structs.replace(own.record, laws=both))


def _with_met(law: LawRecord, met: LawRecord | None, again: LawsRun) -> LawRecord:
    if law.verdict is not LawVerdict.PASS:
        return law
    verdict = LawVerdict.UNKNOWN if met is None else _believed(met, again)
    if met is not None and verdict is LawVerdict.PASS:
        return msgspec.structs.replace(law, drawn=law.drawn + met.drawn)
    if met is not None and verdict is LawVerdict.FAIL:
        return msgspec.structs.replace(law, verdict=verdict, failure=met.failure)
    why = (met.reason if met is not None else None) or again.problem or "they were not reported"
    reason = f"the cases that the other side's {DRAWN_BY} drew were not met: {why}"
    return msgspec.structs.replace(law, verdict=LawVerdict.UNKNOWN, reason=reason)


def compare_laws(baseline: LawsRun, candidate: LawsRun) -> list[LawComparison]:
    """Every law that either side reported, in the baseline's order."""
    before, after = _by_law(baseline), _by_law(candidate)
    return [
        _compare(known, before.get(law), after.get(law), baseline, candidate)
        for law, known in (before | after).items()
    ]


def _compare(
    known: LawRecord,
    before: LawRecord | None,
    after: LawRecord | None,
    baseline: LawsRun,
    candidate: LawsRun,
) -> LawComparison:
    outcome = outcome_of(
        None if before is None else _believed(before, baseline),
        None if after is None else _believed(after, candidate),
    )
    reason = _why_unknown(before, after, baseline, candidate)
    if before is not None and after is not None:
        if outcome is LawOutcome.HOLDS and _work(before) and not _work(after):
            outcome = LawOutcome.UNKNOWN
            reason = "the candidate passed it without an example, a step or a schedule"
        elif outcome is LawOutcome.FAILS_IN_BOTH and _gist(before) != _gist(after):
            outcome = LawOutcome.FAILS_OTHERWISE
            reason = f"with the baseline: {brief(before.failure or '')}"
    if outcome is LawOutcome.NOT_ASKED:
        reason = known.reason or ""
    return LawComparison(
        law=full_name(known),
        kind=known.kind,
        sentence=known.sentence,
        baseline=None if before is None else before.verdict,
        candidate=None if after is None else after.verdict,
        outcome=outcome,
        leans_on=known.leans_on,
        failure=after.failure if after is not None else None,
        reason=reason if outcome in _EXPLAINED else None,
    )


def full_name(law: LawRecord) -> str:
    """The law and the subject it was asked of."""
    return law.law if law.subject in law.law else f"{law.law} [{law.subject}]"


def outcome_of(before: LawVerdict | None, after: LawVerdict | None) -> LawOutcome:
    """What two verdicts say about the upgrade. Anything that was not seen is unknown."""
    return _OUTCOMES.get((before, after), LawOutcome.UNKNOWN)


_OUTCOMES: dict[tuple[LawVerdict | None, LawVerdict | None], LawOutcome] = {
    (LawVerdict.PASS, LawVerdict.PASS): LawOutcome.HOLDS,
    (LawVerdict.PASS, LawVerdict.FAIL): LawOutcome.NEW_FAILURE,
    (LawVerdict.FAIL, LawVerdict.PASS): LawOutcome.FIXED,
    (LawVerdict.FAIL, LawVerdict.FAIL): LawOutcome.FAILS_IN_BOTH,
    (LawVerdict.NOT_ASKED, LawVerdict.NOT_ASKED): LawOutcome.NOT_ASKED,
}


_EXPLAINED = {LawOutcome.UNKNOWN, LawOutcome.FAILS_OTHERWISE, LawOutcome.NOT_ASKED}


def _work(law: LawRecord) -> int:
    return law.examples + law.steps + law.schedules


def _gist(law: LawRecord) -> list[str]:
    """What failed, without the numbers and addresses that differ from run to run."""
    failures = (law.failure or "").split(f"\n{NEXT_FAILURE}")
    return [NUMBER.sub("N", brief(each)) for each in failures]


def _believed(law: LawRecord, run: LawsRun) -> LawVerdict:
    has_failed = run.problem is not None and not run.was_stopped
    doubtful = has_failed and law.verdict is LawVerdict.PASS
    return LawVerdict.UNKNOWN if doubtful else law.verdict


def _why_unknown(
    before: LawRecord | None, after: LawRecord | None, baseline: LawsRun, candidate: LawsRun
) -> str:
    reasons = []
    for side, law, run_ in (("baseline", before, baseline), ("candidate", after, candidate)):
        if law is None:
            reasons.append(f"the {side} did not report it")
        elif run_.problem is not None and not run_.was_stopped:
            reasons.append(f"the {side}'s process did not end well")
        elif law.verdict in {LawVerdict.UNKNOWN, LawVerdict.NOT_ASKED}:
            reasons.append(f"{law.verdict.value} with the {side}: {law.reason or 'no reason'}")
    return "; ".join(reasons)


def _by_law(run: LawsRun) -> dict[tuple[str, str], LawRecord]:
    return {(law.law, law.subject): law for law in run.record.laws} if run.record else {}


def _ending(ended: Ended) -> str:
    if ended.exit_code is None:
        return f"was killed after {math.ceil(ended.elapsed_s)} s"
    how = f"signal {-ended.exit_code}" if ended.exit_code < 0 else f"exit code {ended.exit_code}"
    return f"ended with {how}"
