"""The answers to a plan, joined: one record, one verdict, and nothing that is silently gone.

    python -m reports.merge [FOLDER] [--plan PLAN.json]

FOLDER holds answers of `nox -s cell` or `nox -s spread`, at any depth (default: .gate/cells); the
plan says which there must be (default: reports/out/plan.json). A cell without an answer is
*unknown*, and so is one with an answer that cannot be read, or with two that differ.

Exit codes: 0 every cell passes, 1 a cell fails, 2 usage error, 3 a cell is unknown, 4 a cell could
not be asked.
"""

import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from reports import schema, session
from reports.documents import told
from reports.documents.words import brief
from reports.judgement import decide
from reports.laws import full_name
from reports.load import short_name
from reports.plan import ANSWERS, PLAN, words
from reports.schema import (
    Answer,
    BenchmarkOutcome,
    Cell,
    CellRecord,
    LawVerdict,
    MergeRecord,
    PlanRecord,
    Reason,
    RecordError,
    Verdict,
    given_path,
)
from reports.session import UsageError
from reports.terminal import show

NAME = "merge"
NAMED_MOST = 12
"""Cells of one verdict that are told one by one; the record names all."""


def answers_in(paths: Iterable[Path]) -> Iterator[tuple[Path, CellRecord | RecordError]]:
    """Yield what each file holds, in an order that is always the same, as far as it is readable."""
    for path in sorted(paths):
        try:
            yield path, schema.read(path, CellRecord)
        except RecordError as error:
            yield path, error


def joined(
    plan: PlanRecord,
    found: Iterable[tuple[Path, CellRecord | RecordError]],
    *,
    name: str = NAME,
) -> MergeRecord:
    """Join what was found; what no cell of the plan asked is named, and judges nothing."""
    by_digest: dict[str, list[CellRecord]] = {each.digest: [] for each in plan.cells}
    torn: dict[str, str] = {}
    strangers = []
    for path, each in found:
        if isinstance(each, RecordError):
            torn[path.stem] = str(each)
            if path.stem not in by_digest:
                strangers.append(f"{session.shown(path)}: {each.what}")
        elif each.cell.digest in by_digest:
            by_digest[each.cell.digest].append(each)
        else:
            strangers.append(f"{session.shown(path)}: {words(each.cell)}")
    rows = [_answer(each, by_digest[each.digest], torn.get(each.digest)) for each in plan.cells]
    return record_of(rows, strangers, name=name)


def record_of(rows: Sequence[Answer], strangers: Sequence[str], *, name: str) -> MergeRecord:
    """The verdict is that of the heaviest cell; a plan without cells has none."""
    verdict, reasons = decide(_reasons(rows))
    counts = Counter(each.verdict.value for each in rows)
    listed = ", ".join(
        f"{counts[each.value]} {each.value}" for each in Verdict if counts[each.value]
    )
    return MergeRecord(
        name=name,
        verdict=verdict,
        summary=f"{len(rows)} cells: {listed or 'none'}",
        figures={"cells": len(rows), **{each.value: counts[each.value] for each in Verdict}},
        answers=list(rows),
        reasons=reasons,
        strangers=list(strangers),
    )


def _answer(cell: Cell, found: Sequence[CellRecord], torn: str | None) -> Answer:
    settled = [each for each in found if each.is_settled]
    said = settled or found
    verdicts = {each.verdict for each in said}
    if not said:
        return _nothing(cell, torn or "there is no answer: nobody asked it, or it was lost")
    if len(verdicts) > 1:
        listed = " and ".join(sorted(each.value for each in verdicts))
        return _nothing(cell, f"{len(said)} answers to the same question differ: {listed}")
    record = said[0]
    elapsed_s = record.figures.get("elapsed_s")
    return Answer(
        digest=cell.digest,
        asked=cell.asked,
        words=words(cell),
        verdict=record.verdict,
        summary=record.summary,
        problem=record.problem,
        elapsed_s=float(elapsed_s) if isinstance(elapsed_s, int | float) else None,
        broken=dict(_broken(record)),
    )


def _nothing(cell: Cell, why: str) -> Answer:
    return Answer(
        digest=cell.digest,
        asked=cell.asked,
        words=words(cell),
        verdict=Verdict.UNKNOWN,
        summary=brief(why),
        problem=why,
    )


def _broken(record: CellRecord) -> Iterator[tuple[str, str]]:
    for law in record.laws.laws if record.laws is not None else ():
        if law.verdict is LawVerdict.FAIL and not law.is_known:
            yield full_name(law), brief(law.failure or "")
    for row in record.benchmarks:
        if row.outcome is BenchmarkOutcome.REGRESSED:
            yield short_name(row.name), f"{row.ratio:.3f} times the baseline"


def _reasons(rows: Sequence[Answer]) -> Iterator[Reason]:
    by_verdict: Mapping[Verdict, list[Answer]] = {
        verdict: [each for each in rows if each.verdict is verdict] for verdict in Verdict
    }
    for verdict, found in by_verdict.items():
        if verdict is Verdict.PASS:
            if found:
                yield Reason(verdict=verdict, text=f"{len(found)} of {len(rows)} cells pass")
            continue
        for each in found[:NAMED_MOST]:
            broken = ", ".join(each.broken)
            yield Reason(verdict=verdict, text=f"{each.words}: {broken or brief(each.summary)}")
        if (more := len(found) - NAMED_MOST) > 0:
            yield Reason(verdict=verdict, text=f"{more} more cells {verdict.value}")


def read_plan(path: Path) -> PlanRecord:
    """Read a plan. Raises `UsageError`."""
    try:
        return schema.read(path, PlanRecord)
    except RecordError as error:
        raise UsageError(f"{error} `nox -s plan` makes one.") from error


def main(given: Sequence[str] | None = None) -> int:
    """Join and judge; the last line says how many cells ended how."""
    made = session.parser(program="python -m reports.merge", description=__doc__ or "")
    made.add_argument("folder", nargs="?", type=given_path, default=session.ROOT / ANSWERS)
    made.add_argument("--plan", type=given_path, default=PLAN, metavar="FILE")
    try:
        options = made.parse_args(session.arguments(given))
        record = joined(read_plan(options.plan), answers_in(options.folder.rglob("*.json")))
    except UsageError as error:
        print(error, file=sys.stderr)
        print(f"{NAME}: usage: nothing was joined", flush=True)
        return Verdict.USAGE.exit_code
    return session.finish(record, options.out, show=lambda: show(told(record)))


if __name__ == "__main__":
    sys.exit(main())
