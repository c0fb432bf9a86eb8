"""May we upgrade? The verdict on releases, with its reasons.

    python -m reports.gate REQUIREMENT … [options]       e.g. aiosqlite==0.20.0

Two environments are built from real releases: the baseline is the lock, the candidate is the lock
with the requirements. Both run the laws, then the benchmarks run in pairs of fresh processes. Each
process proves from inside which library files it ran. A requirement without a version asks about
the newest release.

Exit codes: 0 pass, 1 fail, 2 usage error, 3 unknown, 4 invalid (nothing was judged), 130
interrupted. The thresholds stand in reports/policy.toml, each with its reason.
"""

import argparse
import contextlib
import datetime
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from reports import (
    behaviour,
    evidence,
    judgement,
    ledger,
    policy,
    requirements,
    session,
    telling,
    terminal,
    transcripts,
)
from reports.behaviour import Behaviour
from reports.environments import Builder, BuiltEnvironment, EnvironmentUnavailableError
from reports.laws import LawsRun, compare_laws, run_laws
from reports.pairs import Epoch, Pairing, Side
from reports.policy import Policy
from reports.processes import terminating_like_interrupt
from reports.progress import Progress
from reports.schema import (
    Environment,
    GateRecord,
    LawComparison,
    LawKind,
    LawOutcome,
    Reason,
    Verdict,
)
from reports.timing import Timing, measure

INTERRUPTED = 130


class NothingJudgedError(Exception):
    """A process did not run what was built for it, so whatever it said says nothing."""


class Gate:
    """One question, from the requirements to the record."""

    def __init__(self, options: argparse.Namespace, progress: Progress, scratch: Path) -> None:
        self.options = options
        self.progress = progress
        self.scratch = scratch
        self.policy: Policy = policy.load()
        self.accepted = ledger.read(options.accepted)
        self.seed: int = options.seed
        budget_s = options.time_budget or self.policy.limits.budget_s
        self._end = time.monotonic() + budget_s - self.policy.limits.reserve_s
        self._proofs: dict[Side, Environment] = {}

    def left_s(self) -> float:
        """What is left of the budget."""
        return self._end - time.monotonic()

    def judge(self) -> GateRecord:
        """Build, ask the laws, time the pairs, decide."""
        builder = Builder(
            root=session.ROOT, cache=session.ROOT / ".gate", pulse=self.progress.within("uv")
        )
        lock = builder.lock_requirements()
        asked = requirements.parse(self.options.requirements, locked=requirements.pins(lock))
        wanted = {Side.CANDIDATE: builder.candidate_requirements(lock, asked), Side.BASELINE: lock}
        built = {side: self._build(builder, side, wanted[side]) for side in Side}
        changes = evidence.changes(
            built[Side.BASELINE].installed, built[Side.CANDIDATE].installed, asked
        )
        for row in changes:
            remark = "asked" if row.was_asked else "came along"
            self.progress.say(f"{row.name}: {row.baseline} -> {row.candidate} ({remark})")

        book = ledger.Ledger(
            lines=self.accepted, changes=changes, today=datetime.datetime.now(datetime.UTC).date()
        )
        seen = self._observe(built, book)
        runs = {side: self._run_laws(built[side], side) for side in Side}
        laws = ledger.accept_laws(book, compare_laws(runs[Side.BASELINE], runs[Side.CANDIDATE]))
        reasons = judgement.law_reasons(laws, runs[Side.BASELINE], runs[Side.CANDIDATE])
        reasons += seen.reasons
        timing = None if _is_decided(laws) else self._time(built, book, seen)
        if timing is not None:
            reasons += timing.reasons
        reasons += [
            Reason(verdict=Verdict.UNKNOWN, text=f"nothing that ran imported {name}")
            for name in evidence.not_imported(self._proofs.values(), asked)
        ]
        verdict, ordered = judgement.decide(reasons)
        benchmarks = timing.rows if timing else []
        candidate = self._proofs.get(Side.CANDIDATE)
        return GateRecord(
            name="gate",
            verdict=verdict,
            summary=telling.partly(self.options.law)
            + judgement.summary(verdict, laws, benchmarks, ordered, seen.changes),
            figures={
                "laws": len(laws),
                "laws_newly_failing": sum(row.outcome is LawOutcome.NEW_FAILURE for row in laws),
                "accepted": sum(reason.is_accepted for reason in ordered),
                "behaviour_changes": len(seen.changes),
                "epochs": timing.epoch_count if timing else 0,
                "budget_left_s": round(self.left_s(), 1),
            },
            versions=candidate.versions() if candidate else {},
            environment=candidate,
            requirements=[str(each) for each in asked.values()],
            reasons=ordered,
            seed=self.seed,
            guarantee=telling.guarantee(self.policy),
            changes=changes,
            baseline=self._proofs.get(Side.BASELINE),
            candidate=candidate,
            laws=laws,
            benchmarks=benchmarks,
            behaviour=seen.changes,
            ledger=book.records(),
            weaknesses=telling.weaknesses(timing, self.options.law),
            replay=f"{session.shown(built[Side.CANDIDATE].python)} -m properties --profile gate "
            f"--seed {self.seed}",
        )

    def _build(self, builder: Builder, side: Side, wanted: str) -> BuiltEnvironment:
        started = time.monotonic()
        built = builder.build(wanted)
        self.progress.say(
            f"{side.value}: environment {built.folder.name} with {len(built.installed)} libraries "
            f"({time.monotonic() - started:.1f} s)"
        )
        return built

    def _run_laws(self, built: BuiltEnvironment, side: Side) -> LawsRun:
        folder = self.scratch / f"laws-{side.value}"
        folder.mkdir()
        run = run_laws(
            built.python,
            checkout=session.ROOT,
            scratch=folder,
            seed=self.seed,
            only=self.options.law,
            limit_s=max(1.0, min(self.policy.limits.laws_s, self.left_s())),
            pulse=self.progress.within(f"laws, {side.value}"),
        )
        if run.record is not None:
            self._believe(built, side, run.record.environment)
        said = run.record.last_line if run.record else ""
        self.progress.say(f"laws, {side.value}: {run.problem or said}")
        return run

    def _observe(self, built: Mapping[Side, BuiltEnvironment], book: ledger.Ledger) -> Behaviour:
        if self.options.law is not None:
            return behaviour.NOT_COMPARED
        folder = self.scratch / "behaviour"
        folder.mkdir()
        seen = behaviour.observe(
            {side: built[side].python for side in Side},
            self.policy.behaviour,
            book,
            checkout=session.ROOT,
            scratch=folder,
            seed=self.seed,
            limit_s=max(1.0, min(self.policy.limits.behaviour_s, self.left_s())),
            pulse=self.progress.within("behaviour"),
            believe=lambda side, proof: self._believe(built[side], side, proof),
        )
        self.progress.say(
            f"behaviour: {len(seen.changes)} changes in {seen.summary}"
            if seen.summary is not None
            else seen.reasons[0].text
        )
        return seen

    def _time(
        self, built: Mapping[Side, BuiltEnvironment], book: ledger.Ledger, seen: Behaviour
    ) -> Timing:
        folder = self.scratch / "pairs"
        folder.mkdir()
        pairing = Pairing(
            pythons={side: built[side].python for side in Side},
            checkout=session.ROOT,
            scratch=folder,
            limit_s=self.policy.limits.benchmarks_s,
            draw=random.Random(self.seed),
            pulse=self.progress.detail,
        )

        def proven_epoch(only: Sequence[str] | None) -> Epoch:
            epoch = pairing.epoch(only)
            seats = [*epoch.sides.items(), (Side.BASELINE, epoch.twin)]
            for side, measured in seats:
                if measured is not None and measured.failure is None:
                    self._believe(built[side], side, measured.environment)
            return epoch

        return measure(
            proven_epoch,
            self.policy.time,
            left_s=self.left_s,
            say=self.progress.say,
            at=self.progress.at,
            ledger=book,
            explain=lambda name: transcripts.calls_of(seen.changes, name),
        )

    def _believe(self, built: BuiltEnvironment, side: Side, proof: Environment | None) -> None:
        """Keep a proof that fits what was built; stop at one that does not."""
        if wrong := evidence.contradictions(proof, built.installed):
            built.remove()
            raise NothingJudgedError(
                f"a process of the {side.value} did not run what was built for it: "
                f"{'; '.join(wrong)}. The environment is removed; ask again, and if it happens "
                "again, that release changes itself."
            )
        if proof is not None:
            self._proofs.setdefault(side, proof)


def _is_decided(laws: Sequence[LawComparison]) -> bool:
    """A promise of the machine that newly fails decides: no speed makes up for it.

    What is only assumed of a library may have changed on purpose. That is a failure too; but
    whoever weighs it wants to know what the release costs.
    """
    return any(
        row.outcome is LawOutcome.NEW_FAILURE and row.kind is LawKind.MACHINE for row in laws
    )


def build_parser() -> session.Parser:
    """The command line."""
    description, _, rest = (__doc__ or "").partition("\n\n")
    made = session.parser(program="python -m reports.gate", description=description)
    made.epilog = rest.partition("\n\n")[2]
    made.add_argument("requirements", metavar="REQUIREMENT", nargs="*", help="aiosqlite==0.20.0")
    made.add_argument(
        "--list", action="store_true", help="name what can be asked about, ask nothing"
    )
    made.add_argument("--clean", action="store_true", help="remove every environment that is kept")
    made.add_argument(
        "--time-budget", type=_seconds, metavar="SECONDS", help="for the whole gate (default: 300)"
    )
    made.add_argument(
        "--accepted",
        type=Path,
        metavar="FILE",
        help="the ledger of accepted changes (default: reports/accepted.toml)",
    )
    made.add_argument("--law", metavar="NAME", help="ask this law only")
    made.add_argument(
        "--seed",
        type=_seed,
        default=random.SystemRandom().randrange(2**31),
        help="for the laws' draws and the order of the pairs (default: random, recorded)",
    )
    made.add_argument(
        "--keep", action="store_true", help="keep raw records and logs in reports/out/gate/"
    )
    return made


def _seed(text: str) -> int:
    seed = int(text)
    if not 0 <= seed < 2**32:
        raise argparse.ArgumentTypeError("a seed lies between 0 and 2**32 - 1")
    return seed


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds < 1e6:
        raise argparse.ArgumentTypeError("seconds are a positive number")
    return seconds


def _unjudged(verdict: Verdict, what: str, asked: Sequence[str]) -> GateRecord:
    """The record of a gate that ended before it had judged anything."""
    print(what, file=sys.stderr, flush=True)
    return GateRecord(
        name="gate",
        verdict=verdict,
        summary="nothing was judged",
        requirements=list(asked),
        reasons=[Reason(verdict=verdict, text=what)],
    )


def _without_a_question(options: argparse.Namespace) -> int:
    """Name what is locked, or remove what is kept; the record of the last gate stays."""
    if options.requirements:
        raise session.UsageError("--list and --clean take no REQUIREMENT.")
    cache = session.ROOT / ".gate"
    if options.clean:
        kept = list((cache / "environments").glob("*"))
        shutil.rmtree(cache, ignore_errors=True)
        words = f"{len(kept)} environments removed"
    else:
        builder = Builder(root=session.ROOT, cache=cache, pulse=lambda _: None)
        locked = requirements.pins(builder.lock_requirements())
        print(*(f"{name}=={version}" for name, version in sorted(locked.items())), sep="\n")
        words = f"{len(locked)} libraries can be asked about; nothing was asked"
    print(f"gate: pass: {words}", flush=True)
    return Verdict.PASS.exit_code


@contextlib.contextmanager
def _scratch(keep: Path | None) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="fsmcore-gate-"))
    try:
        yield folder
        if keep is not None:
            shutil.rmtree(keep, ignore_errors=True)
            shutil.copytree(folder, keep)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main(given: Sequence[str] | None = None) -> int:
    """Run the session and return its exit code."""
    out = session.OUT / "gate.json"
    asked: list[str] = []
    try:
        options = build_parser().parse_args(session.arguments(given))
        out, asked = options.out, options.requirements
        keep = out.parent / "gate" if options.keep else None
        if options.list or options.clean:
            return _without_a_question(options)
        if not asked:
            raise session.UsageError(
                "no REQUIREMENT was given, as in python-statemachine==3.2.2. `--list` names what "
                "can be asked about."
            )
        progress = Progress(terminal.console())
        progress.say(f"the question: {', '.join(asked)} in place of the lock (seed {options.seed})")
        with terminating_like_interrupt(), progress, _scratch(keep) as scratch:
            record = Gate(options, progress, scratch).judge()
    except session.UsageError as error:
        record = _unjudged(Verdict.USAGE, str(error), asked)
    except (EnvironmentUnavailableError, NothingJudgedError) as error:
        record = _unjudged(Verdict.INVALID, str(error), asked)
    except KeyboardInterrupt:
        what = "interrupted: what ran was ended, finished environments are kept"
        record = _unjudged(Verdict.INVALID, what, asked)
        session.finish(record, out)
        return INTERRUPTED
    else:
        return session.finish(record, out, show=lambda: telling.show(record))
    return session.finish(record, out)


if __name__ == "__main__":
    sys.exit(main())
