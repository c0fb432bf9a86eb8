"""What both environments do, written down by each, compared, and weighed by policy and ledger.

The baseline walks the schedules and records them, the candidate replays the very same ones. A
change that breaks no law is *changed*: harmless or not, nobody has said so yet. It passes by a kind
that `policy.toml` lets pass, or by a line of the ledger, and by nothing else; until then the answer
is *unknown*. A side that wrote nothing down is unknown too.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from reports import schema, transcripts
from reports.environments import measured_environ
from reports.kept import once
from reports.ledger import Ledger
from reports.pairs import Side
from reports.policy import BehaviourPolicy
from reports.processes import Ended, Pulse, run
from reports.schema import (
    BehaviourChange,
    BehaviourRecord,
    ChangeOutcome,
    Environment,
    Reason,
    RecordError,
    Verdict,
)

NAMED_MOST = 4
"""Changes that are told one by one among the reasons; the table and the record hold all of them."""

Believe = Callable[[Side, Environment | None], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """The changes, and what they argue for. `summary` is None where nothing was compared."""

    changes: list[BehaviourChange]
    reasons: list[Reason]
    summary: str | None


NOT_COMPARED = Behaviour(changes=[], reasons=[], summary=None)


def weighed(
    written: Mapping[Side, BehaviourRecord] | str, policy: BehaviourPolicy, ledger: Ledger
) -> Behaviour:
    """What differs between both sides, weighed; or why nothing can be said of it."""
    if isinstance(written, str):
        text = f"behaviour was not compared: {written}"
        reasons = [Reason(verdict=Verdict.UNKNOWN, text=text)]
        return Behaviour(changes=[], reasons=reasons, summary=None)
    changes = weigh(transcripts.compare(*(written[side] for side in Side)), policy, ledger)
    ledger.behaviour_was_judged()
    baseline = written[Side.BASELINE]
    summary = f"{len(baseline.scenes)} scenes, {len(baseline.schedules)} of them schedules"
    reasons = reasons_of(changes, summary) + _unseen(*(written[side] for side in Side))
    return Behaviour(changes=changes, reasons=reasons, summary=summary)


def write_down(
    starts: Mapping[Side, Sequence[str]],
    *,
    checkout: Path,
    scratch: Path,
    seed: int,
    limit_s: float,
    pulse: Pulse,
    believe: Believe,
    schedules: Path | None = None,
) -> dict[Side, BehaviourRecord] | str:
    """What both sides do, the baseline first; or why one of them wrote nothing down.

    `schedules` is a record whose schedules both replay; without it the baseline walks anew.
    """
    written: dict[Side, BehaviourRecord] = {}
    for side in (Side.BASELINE, Side.CANDIDATE):
        folder = scratch / side.value
        folder.mkdir(exist_ok=True)
        out = folder / "behaviour.json"
        argv = [*starts[side], "properties.behaviour", "--record", str(out)]
        if schedules is None:
            argv += ["--seed", str(seed)]
            schedules = out
        else:
            argv += ["--schedules", str(schedules)]

        def play(argv: list[str] = argv, folder: Path = folder) -> Ended:
            return run(
                argv,
                folder=checkout,
                environ=measured_environ(seed),
                log=folder / "behaviour.log",
                limit_s=limit_s,
                pulse=pulse,
            )

        found = _read(out, once(folder, play))
        if isinstance(found, str):
            return f"the {side.value} {found}"
        believe(side, found.environment)
        written[side] = found
    return written


def _unseen(before: BehaviourRecord, after: BehaviourRecord) -> list[Reason]:
    """Scenes that neither side can play: nothing is known of them, and silence is no answer."""
    problems = {scene.name: scene.problem for scene in after.scenes if scene.problem is not None}
    return [
        Reason(
            verdict=Verdict.UNKNOWN,
            text=f"behaviour: {scene.name} can be played with neither: {scene.problem} "
            f"(baseline), {problems[scene.name]} (candidate)",
        )
        for scene in before.scenes
        if scene.problem is not None and scene.name in problems
    ]


def _read(out: Path, ended: Ended) -> BehaviourRecord | str:
    if ended.exit_code is None:
        return f"was killed after {ended.elapsed_s:.0f} s"
    try:
        found = schema.read(out, BehaviourRecord)
    except RecordError as error:
        return f"wrote nothing down ({error.what}): {ended.last_words}"
    if ended.exit_code != 0:
        return f"ended with exit code {ended.exit_code} after it had written its record"
    return found


def weigh(
    changes: Sequence[BehaviourChange], policy: BehaviourPolicy, ledger: Ledger
) -> list[BehaviourChange]:
    """Each change with what policy and ledger say of it; those that nobody allows come first."""
    weighed = []
    for change in changes:
        if change.kind in policy.allowed:
            told = msgspec.structs.replace(
                change, outcome=ChangeOutcome.ALLOWED, reason=f"policy allows: {change.kind}"
            )
        elif (ruling := ledger.behaviour(change)) is None:
            told = change
        elif ruling.refusal is None:
            told = msgspec.structs.replace(
                change, outcome=ChangeOutcome.ACCEPTED, accepted=ruling.text
            )
        else:
            told = msgspec.structs.replace(change, reason=ruling.text)
        weighed.append(told)
    order = list(ChangeOutcome)
    return sorted(weighed, key=lambda change: order.index(change.outcome))


def reasons_of(changes: Sequence[BehaviourChange], summary: str) -> list[Reason]:
    """What the changes argue for."""
    by_outcome = {
        outcome: [each for each in changes if each.outcome is outcome] for outcome in ChangeOutcome
    }
    changed = by_outcome[ChangeOutcome.CHANGED]
    reasons = [
        Reason(
            verdict=Verdict.UNKNOWN,
            text=f"changed, and accepted by nobody: {each.sentence} [{each.name}]"
            + (f"; {each.reason}" if each.reason else ""),
        )
        for each in changed[:NAMED_MOST]
    ]
    if (more := len(changed) - NAMED_MOST) > 0:
        text = f"{more} more changes of behaviour that nobody has accepted, see above"
        reasons.append(Reason(verdict=Verdict.UNKNOWN, text=text))
    lines = Counter(each.accepted or "" for each in by_outcome[ChangeOutcome.ACCEPTED])
    reasons += [
        Reason(
            verdict=Verdict.PASS,
            text=f"{count} {'change' if count == 1 else 'changes'} of behaviour; {line}",
            is_accepted=True,
        )
        for line, count in lines.items()
    ]
    if allowed := Counter(each.kind for each in by_outcome[ChangeOutcome.ALLOWED]):
        kinds = ", ".join(f"{kind}: {count}" for kind, count in allowed.items())
        text = f"{allowed.total()} changes of behaviour pass by policy ({kinds})"
        reasons.append(Reason(verdict=Verdict.PASS, text=text))
    if not changes:
        text = f"behaviour is the same in {summary}"
        reasons.append(Reason(verdict=Verdict.PASS, text=text))
    return reasons
