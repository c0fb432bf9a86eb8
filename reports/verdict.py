"""One question about releases, from what was asked to the record of the verdict.

Two environments are built from real releases. Both run the laws and write down what they do, then
the benchmarks run in pairs of fresh processes. Each part that has ended stands in the gate's folder
(`kept`), so whoever goes on with a stopped gate finds it there.
"""

import datetime
import random
import shlex
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from reports import (
    behaviour,
    evidence,
    judgement,
    kept,
    ledger,
    policy,
    session,
    sides,
    telling,
    transcripts,
)
from reports.archive import SCHEDULES
from reports.behaviour import Behaviour
from reports.environments import Builder, BuiltEnvironment, Sources
from reports.holding import make_room
from reports.interpreters import interpreter
from reports.kept import Kept
from reports.laws import (
    DRAWN_BY,
    LawsRun,
    compare_laws,
    drawing_laws,
    joined,
    newly_broken,
    run_durability,
    run_laws,
    with_met,
)
from reports.pairs import EPOCHS, Epoch, Pairing, Side
from reports.policy import Policy
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
from reports.session import UsageError
from reports.timing import Timing, measure

LEAST_S = 5.0


class NothingJudgedError(Exception):
    """A process did not run what was built for it, so whatever it said says nothing."""


class Gate:
    """One question, from the requirements to the record."""

    def __init__(
        self,
        home: Kept,
        progress: Progress,
        *,
        sources: Sources,
        accepted: Path | None = None,
        time_budget_s: float | None = None,
    ) -> None:
        self.home = home
        self.question = home.question
        self.progress = progress
        self.sources = sources
        self.policy: Policy = policy.load()
        self.accepted = ledger.read(accepted)
        self.seed = self.question.seed
        self.cache = session.ROOT / ".gate"
        budget_s = time_budget_s or self.policy.limits.budget_s
        self._patience = max(1.0, budget_s / self.policy.limits.budget_s)
        self._end = time.monotonic() + budget_s - self.policy.limits.reserve_s
        self._proofs: dict[Side, Environment] = {}
        self._all_proofs: list[Environment] = []

    def left_s(self) -> float:
        """What is left of the budget."""
        return self._end - time.monotonic()

    def _limit_s(self, usual_s: float, *, parts: int = 1) -> float:
        """How long one part may take: who gives the gate more time gives it to every part.

        `parts` of the same kind are still to come, this one included, and share what is left. One
        that is begun at all gets `LEAST_S`, or as long as it usually may.
        """
        left_s = self.left_s() / parts
        return max(min(usual_s, LEAST_S), min(usual_s * self._patience, left_s))

    def judge(self) -> GateRecord:
        """Build, ask the laws, time the pairs, decide."""
        python = self.question.python
        builder = Builder(
            root=session.ROOT,
            cache=self.cache,
            pulse=self.progress.within("uv"),
            python=sys.executable if python is None else interpreter(python),
            sources=self.sources,
        )
        both = sides.build(self.home, builder, self.progress.say)
        built = both.built
        if both.is_about_sqlite:
            self._end += self.policy.durability.budget_s
        if removed := make_room(self.cache, self.policy.limits.cache_mb * 1e6):
            self.progress.say(f"{len(removed)} environments removed, unused for longest")
        others = kept.at_work(self.home.folder.parent, besides=self.home.folder)
        if others:
            self.progress.say(f"{others} more at work in this checkout: the clocks take turns")
        book = ledger.Ledger(
            lines=self.accepted,
            changes=both.changes,
            today=datetime.datetime.now(datetime.UTC).date(),
        )
        seen = self._observe(built, book)
        runs = self._ask_laws(built, drew_otherwise=both.differ(DRAWN_BY))
        if both.is_about_sqlite and self.question.subject is None:
            runs = {side: joined(runs[side], self._endure(built[side], side)) for side in Side}
        compared = compare_laws(runs[Side.BASELINE], runs[Side.CANDIDATE])
        laws = ledger.accept_laws(book, compared)
        reasons = judgement.law_reasons(laws, runs[Side.BASELINE], runs[Side.CANDIDATE])
        reasons += seen.reasons
        is_in_part = self.question.law is not None or self.question.subject is not None
        is_timed = not is_in_part and not _is_decided(laws)
        timing = self._time(built, book, seen, both.controls) if is_timed else None
        if timing is not None:
            reasons += timing.reasons
        reasons += [
            Reason(verdict=Verdict.UNKNOWN, text=f"nothing that ran imported {name}")
            for name in evidence.not_imported(self._all_proofs, both.asked)
        ]
        verdict, ordered = judgement.decide(reasons)
        benchmarks = timing.rows if timing else []
        candidate = self._proofs.get(Side.CANDIDATE)
        return GateRecord(
            name="gate",
            verdict=verdict,
            summary=telling.partly(self.question.law, self.question.subject)
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
            requirements=both.questions(),
            reasons=ordered,
            seed=self.seed,
            guarantee=telling.guarantee(self.policy),
            margin_percent=self.policy.time.margin_percent,
            tolerance_percent=self.policy.time.tolerance_percent,
            changes=list(both.changes),
            baseline=self._proofs.get(Side.BASELINE),
            candidate=candidate,
            laws=laws,
            benchmarks=benchmarks,
            behaviour=seen.changes,
            ledger=book.records(),
            weaknesses=telling.weaknesses(
                timing,
                self.question.law,
                others,
                subject=self.question.subject,
            ),
            replay=" ".join(
                (
                    session.shown(built[Side.CANDIDATE].python),
                    *built[Side.CANDIDATE].start[1:],
                    f"properties --profile gate --seed {self.seed}{self._subject_words()}",
                )
            ),
        )

    def _subject_words(self) -> str:
        asked = self.question
        beside = "" if asked.beside is None else f" --with {shlex.quote(asked.beside)}"
        return beside if asked.subject is None else f"{beside} --subject {asked.subject}"

    def _ask_laws(
        self, built: Mapping[Side, BuiltEnvironment], *, drew_otherwise: bool
    ) -> dict[Side, LawsRun]:
        """Both sides' laws; where they drew otherwise, each also on what the other has drawn.

        The baseline meets only cases of laws that the candidate broke: no other can blame it.
        """
        drawn = {side: self.home.part(f"laws-{side.value}") / "cases.jsonl" for side in Side}
        runs = {
            side: self._run_laws(
                built[side],
                side,
                f"laws-{side.value}",
                cases=["--note-cases", str(drawn[side])] if drew_otherwise else [],
                # What only one side was asked is known of neither.
                parts=2 if side is Side.BASELINE else 1,
            )
            for side in Side
        }
        if not drew_otherwise:
            return runs
        before, after = runs[Side.BASELINE], runs[Side.CANDIDATE]
        for side, laws in (
            (Side.CANDIDATE, drawing_laws(before)),
            (Side.BASELINE, newly_broken(before, after)),
        ):
            if laws:
                other = next(each for each in Side if each is not side)
                met = self._run_laws(
                    built[side],
                    side,
                    f"met-{side.value}",
                    only=sorted(laws),
                    cases=["--cases", str(drawn[other])],
                )
                runs[side] = with_met(runs[side], met, laws)
        return runs

    def _run_laws(
        self,
        built: BuiltEnvironment,
        side: Side,
        part: str,
        *,
        only: Sequence[str] = (),
        cases: Sequence[str] = (),
        parts: int = 1,
    ) -> LawsRun:
        question = self.question
        try:
            run = run_laws(
                built.start,
                checkout=session.ROOT,
                scratch=self.home.part(part),
                seed=self.seed,
                only=only or ([question.law] if question.law is not None else []),
                subjects=[question.subject] if question.subject is not None else [],
                beside=question.beside,
                limit_s=self._limit_s(self.policy.limits.laws_s, parts=parts),
                pulse=self.progress.within(f"laws, {side.value}"),
                cases=cases,
            )
        except UsageError as error:
            # What the baseline takes and the candidate does not is an answer about the candidate.
            if side is Side.BASELINE or question.subject is None:
                raise
            run = LawsRun(record=None, problem=f"did not take it: {error}", refused=str(error))
        if run.record is not None:
            self._believe(built, side, run.record.environment)
        said = run.record.last_line if run.record else ""
        of = ", the other side's cases" if part.startswith("met-") else ""
        self.progress.say(f"laws, {side.value}{of}: {run.problem or said}")
        return run

    def _endure(self, built: BuiltEnvironment, side: Side) -> LawsRun:
        """What several processes show of an SQLite: commits, checkpoints, kills, re-reading."""
        run = run_durability(
            built,
            self.policy.durability,
            checkout=session.ROOT,
            scratch=self.home.part(f"durability-{side.value}"),
            seed=self.seed,
            pulse=self.progress.within(f"durability, {side.value}"),
        )
        if run.record is not None:
            self._believe(built, side, run.record.environment)
        said = run.record.last_line if run.record else ""
        self.progress.say(f"durability, {side.value}: {run.problem or said}")
        return run

    def _observe(self, built: Mapping[Side, BuiltEnvironment], book: ledger.Ledger) -> Behaviour:
        if self.question.law is not None or self.question.subject is not None:
            return behaviour.NOT_COMPARED
        recorded = self.home.folder / SCHEDULES
        written = behaviour.write_down(
            {side: built[side].start for side in Side},
            checkout=session.ROOT,
            scratch=self.home.part("behaviour"),
            seed=self.seed,
            limit_s=self._limit_s(self.policy.limits.behaviour_s),
            pulse=self.progress.within("behaviour"),
            believe=lambda side, proof: self._believe(built[side], side, proof),
            schedules=recorded if recorded.exists() else None,
        )
        seen = behaviour.weighed(written, self.policy.behaviour, book)
        self.progress.say(
            f"behaviour: {len(seen.changes)} changes in {seen.summary}"
            if seen.summary is not None
            else seen.reasons[0].text
        )
        return seen

    def _time(
        self,
        built: Mapping[Side, BuiltEnvironment],
        book: ledger.Ledger,
        seen: Behaviour,
        controls: frozenset[str],
    ) -> Timing:
        folder = self.home.part("pairs")
        left = len(list(folder.glob(EPOCHS)))
        if left:
            self.progress.say(f"{left} epochs were left by the gate that was stopped")
        pairing = Pairing(
            starts={side: built[side].start for side in Side},
            checkout=session.ROOT,
            scratch=folder,
            limit_s=self.policy.limits.benchmarks_s,
            draw=random.Random(f"{self.seed}, after {left}"),
            pulse=self.progress.detail,
            controls=controls,
        )

        def proven_epoch(only: Sequence[str] | None) -> Epoch:
            epoch = pairing.epoch(only)
            seats = [*epoch.sides.items(), (Side.BASELINE, epoch.twin)]
            for side, measured in seats:
                if measured is not None and measured.failure is None:
                    self._believe(built[side], side, measured.environment)
            return epoch

        with kept.clocks_alone(self.cache, left_s=self.left_s, waits=self.progress.pulse):
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
        if wrong := built.contradictions(proof):
            built.remove()
            raise NothingJudgedError(
                f"a process of the {side.value} did not run what was built for it: "
                f"{'; '.join(wrong)}. The environment is removed; ask again, and if it happens "
                "again, that release changes itself."
            )
        if proof is not None:
            self._proofs.setdefault(side, proof)
            self._all_proofs.append(proof)


def _is_decided(laws: Sequence[LawComparison]) -> bool:
    """A promise of the machine that newly fails decides: no speed makes up for it.

    What is only assumed of a library may have changed on purpose. That is a failure too; but
    whoever weighs it wants to know what the release costs.
    """
    return any(
        row.outcome is LawOutcome.NEW_FAILURE and row.kind is LawKind.MACHINE for row in laws
    )
