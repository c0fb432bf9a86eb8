"""One cell: one question that one machine answers alone, a file in and a file out.

    python -m reports.cell CELL.json|ID [--out ANSWER.json]

The environments that the cell names are made of real releases, and it is asked there: the laws of
one, or what two of them do, or what two of them take. Both sides of a comparison run on one
machine, the clocks on one CPU of it. ID names a cell of a plan (`nox -s plan`); its answer goes to
reports/out/cells/ID.json, where `nox -s merge -- reports/out/cells` finds it.

Exit codes: 0 pass, 1 fail, 2 usage error (there is no such environment), 3 unknown, 4 invalid (an
environment cannot be had here), 130 interrupted.
"""

import datetime
import random
import re
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from reports import behaviour, policy, requirements, schema, session, sources, terminal
from reports.documents.words import brief
from reports.environments import Builder, BuiltEnvironment, EnvironmentUnavailableError
from reports.interpreters import interpreter
from reports.kept import clocks_alone
from reports.laws import run_laws
from reports.ledger import Ledger
from reports.pairs import Epoch, Pairing, Side
from reports.processes import terminating_like_interrupt
from reports.progress import Progress
from reports.schema import (
    Asked,
    Cell,
    CellRecord,
    Environment,
    LawVerdict,
    Place,
    PlanRecord,
    RecordError,
    Verdict,
    given_path,
)
from reports.session import UsageError
from reports.timing import measure

CONTROL = "control"
INTERRUPTED = 130
LIMIT_S = 900.0
_ID = re.compile("[0-9a-f]{16}")


class NotAnsweredError(Exception):
    """What was asked said nothing that can be believed; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answering:
    """Answers cells of one checkout, one at a time. Whatever it starts ends with the answer.

    A part that is not done within `limit_s` is ended; the clocks have as much in all.
    """

    builder: Builder
    progress: Progress
    limit_s: float = LIMIT_S

    def answer(self, cell: Cell) -> CellRecord:
        """Ask what the cell asks. Never raises for what the place, or what runs there, is like."""
        began = time.monotonic()
        try:
            with tempfile.TemporaryDirectory(prefix="fsmcore-cell-") as scratch:
                found = self._asked(cell, Path(scratch))
        except UsageError as error:
            found = unanswered(cell, Verdict.USAGE, str(error))
        except EnvironmentUnavailableError as error:
            found = unanswered(cell, Verdict.INVALID, str(error))
        except NotAnsweredError as error:
            found = unanswered(cell, Verdict.UNKNOWN, str(error))
        elapsed_s = round(time.monotonic() - began, 1)
        return msgspec.structs.replace(found, figures={**found.figures, "elapsed_s": elapsed_s})

    def _asked(self, cell: Cell, scratch: Path) -> CellRecord:
        if cell.sources != sources.digest(self.builder.root):
            raise UsageError(
                f"cell {cell.digest} is a question of another checkout than this one, or of this "
                "one before it changed. Plan anew, or run it there."
            )
        ask = {
            Asked.LAWS: self._laws,
            Asked.BEHAVIOUR: self._behaviour,
            Asked.BENCHMARKS: self._benchmarks,
        }
        return ask[cell.asked](cell, scratch)

    def _laws(self, cell: Cell, scratch: Path) -> CellRecord:
        built = self._built(cell.place)
        run = run_laws(
            built.start,
            checkout=self.builder.root,
            scratch=scratch,
            seed=cell.seed,
            only=cell.names,
            subjects=cell.subjects,
            profile=cell.profile,
            limit_s=self.limit_s,
            pulse=self.progress.detail,
        )
        if run.record is None:
            raise NotAnsweredError(f"the process {run.problem}")
        self._believe(built, run.record.environment)
        broken = [law for law in run.record.laws if law.verdict is LawVerdict.FAIL]
        has_failed = any(not law.is_known for law in broken)
        unsure = Verdict.FAIL if has_failed else Verdict.UNKNOWN
        return CellRecord(
            name="cell",
            verdict=run.record.verdict if run.problem is None else unsure,
            summary=f"{cell.place.words}: {run.record.summary}",
            versions=_versions(run.record.environment),
            environment=run.record.environment,
            cell=cell,
            problem=None if run.problem is None else f"the process {run.problem}",
            was_stopped=run.was_stopped,
            laws=run.record,
        )

    def _behaviour(self, cell: Cell, scratch: Path) -> CellRecord:
        built = self._pair(cell)
        written = behaviour.write_down(
            {side: each.start for side, each in built.items()},
            checkout=self.builder.root,
            scratch=scratch,
            seed=cell.seed,
            limit_s=self.limit_s,
            pulse=self.progress.detail,
            believe=lambda side, proof: self._believe(built[side], proof),
        )
        if isinstance(written, str):
            raise NotAnsweredError(written)
        before, after = written[Side.BASELINE], written[Side.CANDIDATE]
        return CellRecord(
            name="cell",
            verdict=Verdict.PASS,
            summary=f"{cell.place.words}: {len(before.scenes)} scenes were played by both sides",
            versions=_versions(after.environment),
            environment=after.environment,
            cell=cell,
            baseline=before.environment,
            behaviour=[before, after],
        )

    def _benchmarks(self, cell: Cell, scratch: Path) -> CellRecord:
        built = self._pair(cell)
        end = time.monotonic() + self.limit_s
        rules = policy.load()
        proofs: dict[Side, Environment | None] = {}
        pairing = Pairing(
            starts={side: each.start for side, each in built.items()},
            checkout=self.builder.root,
            scratch=scratch,
            limit_s=rules.limits.benchmarks_s,
            draw=random.Random(cell.seed),
            pulse=self.progress.detail,
        )

        def epoch(wanted: Sequence[str] | None) -> Epoch:
            chosen = [*cell.names, CONTROL] if wanted is None and cell.names else wanted
            found = pairing.epoch(chosen)
            for side, measured in found.sides.items():
                if measured.failure is None:
                    self._believe(built[side], measured.environment)
                    proofs.setdefault(side, measured.environment)
            return found

        def left_s() -> float:
            return end - time.monotonic()

        today = datetime.datetime.now(datetime.UTC).date()
        with clocks_alone(self.builder.cache, left_s=left_s, waits=self.progress.pulse):
            timing = measure(
                epoch,
                rules.time,
                left_s=left_s,
                say=self.progress.say,
                at=self.progress.at,
                ledger=Ledger(lines=[], changes=[], today=today),
            )
        weights = {each.verdict for each in timing.reasons}
        order = (Verdict.INVALID, Verdict.FAIL, Verdict.UNKNOWN)
        candidate = proofs.get(Side.CANDIDATE)
        return CellRecord(
            name="cell",
            verdict=next((each for each in order if each in weights), Verdict.PASS),
            summary=f"{cell.place.words}: {timing.epoch_count} epochs timed",
            versions=_versions(candidate),
            figures={"epochs": timing.epoch_count, "is_pinned": timing.is_pinned},
            environment=candidate,
            cell=cell,
            baseline=proofs.get(Side.BASELINE),
            benchmarks=timing.rows,
            reasons=timing.reasons,
        )

    def _pair(self, cell: Cell) -> Mapping[Side, BuiltEnvironment]:
        if cell.baseline is None:
            raise UsageError(f"a cell that asks for {cell.asked.value} needs a baseline.")
        places = {Side.BASELINE: cell.baseline, Side.CANDIDATE: cell.place}
        return {side: self._built(place) for side, place in places.items()}

    def _built(self, place: Place) -> BuiltEnvironment:
        self.progress.at(place.words)
        try:
            builder = replace(self.builder, python=interpreter(place.python))
        except UsageError as error:  # it may be on another machine
            raise EnvironmentUnavailableError(str(error)) from error
        lock = builder.lock_requirements()
        asked = requirements.parse(place.requirements, locked=requirements.pins(lock))
        wanted = builder.candidate_requirements(lock, asked) if asked else lock
        return builder.build(wanted, sqlite=place.sqlite)

    @staticmethod
    def _believe(built: BuiltEnvironment, proof: Environment | None) -> None:
        if wrong := built.contradictions(proof):
            built.remove()
            raise NotAnsweredError(f"another release was asked: {'; '.join(wrong)}")


def _versions(proof: Environment | None) -> dict[str, str]:
    return proof.versions() if proof is not None else {}


def unanswered(cell: Cell, verdict: Verdict, why: str) -> CellRecord:
    """The record of a cell that nothing is known of, and why."""
    return CellRecord(
        name="cell",
        verdict=verdict,
        summary=f"{cell.place.words}: {brief(why)}",
        cell=cell,
        problem=why,
    )


def main(given: Sequence[str] | None = None) -> int:
    """Answer the cell of a file and return the exit code."""
    made = session.parser(program="python -m reports.cell", description=__doc__ or "")
    made.add_argument("cell", metavar="CELL.json|ID", help="a file, or a cell of the plan")
    made.add_argument("--plan", type=given_path, metavar="FILE", default=session.OUT / "plan.json")
    made.set_defaults(out=None)
    try:
        options = made.parse_args(session.arguments(given))
        cell, out = _named(options.cell, options.plan)
        progress = Progress(terminal.console())
        builder = Builder(
            root=session.ROOT,
            cache=session.ROOT / ".gate",
            pulse=progress.within("uv"),
            is_compiled=cell.asked is Asked.BENCHMARKS,
        )
        with terminating_like_interrupt(), progress:
            record = Answering(builder=builder, progress=progress).answer(cell)
    except (UsageError, RecordError) as error:
        print(error, file=sys.stderr)
        print("cell: usage: nothing was asked", flush=True)
        return Verdict.USAGE.exit_code
    except KeyboardInterrupt:
        print("cell: invalid: interrupted; what ran was ended", flush=True)
        return INTERRUPTED
    return session.finish(record, options.out or out)


def _named(name: str, plan: Path) -> tuple[Cell, Path]:
    """A cell by its file, or by its place in a plan, and where its answer goes."""
    if not _ID.fullmatch(name):
        return schema.read(given_path(name), Cell), session.OUT / "cell.json"
    found = [each for each in schema.read(plan, PlanRecord).cells if each.digest == name]
    if not found:
        raise UsageError(f"{session.shown(plan)} has no cell {name}. `nox -s plan` lists them.")
    return found[0], session.OUT / "cells" / f"{name}.json"


if __name__ == "__main__":
    sys.exit(main())
