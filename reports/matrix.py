"""Which laws hold where: releases x Pythons x SQLites, a cell each.

    python -m reports.matrix [--group NAME ...] [--recipe FILE ...] [--write-docs]

Each group of cells is a recipe (reports/recipes/NAME.toml). In each cell an environment is made of
real releases, and the laws are asked in it under a small profile. An answer is kept under the
digest of its question (.gate/cells): the same command goes on where it was stopped, by whatever
means, and asks again only what has no answer yet, or where the sources or the lock have changed.

A release within the bounds of pyproject.toml is promised, so a law that is broken there fails the
matrix. What was never promised, or is known to be broken (properties/known.toml), is told.

Exit codes: 0 pass, 1 fail, 2 usage error, 3 unknown (a cell without an answer), 130 interrupted.
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from reports import marked, policy, recipe, requirements, schema, session, sources, terminal
from reports.cell import Answering
from reports.documents import told
from reports.documents.markdown import markdown
from reports.documents.matrix import words
from reports.documents.words import brief
from reports.environments import Builder
from reports.holding import make_room
from reports.processes import terminating_like_interrupt
from reports.progress import Progress
from reports.schema import (
    Cell,
    CellOutcome,
    CellRecord,
    CellRow,
    LawRecord,
    LawVerdict,
    MatrixRecord,
    Place,
    RecordError,
    Verdict,
    given_path,
)
from reports.session import UsageError

INTERRUPTED = 130
PAGE = Path("docs", "matrix.md")
MARK = "matrix"


class Cells:
    """Answers cells, each at most once: what has an answer is read where it is kept."""

    def __init__(self, answering: Answering, folder: Path) -> None:
        self._answering = answering
        self._folder = folder

    def answer(self, cell: Cell) -> tuple[CellRecord, bool]:
        """The answer, and whether it was kept already."""
        path = self._folder / f"{cell.digest}.json"
        try:
            return schema.read(path, CellRecord), True
        except RecordError:  # not there, or torn
            found = self._answering.answer(cell)
        if found.is_settled:
            schema.write(path, found)
        return found, False


def row_of(group: str, record: CellRecord, *, is_promised: bool) -> CellRow:
    """What a table says of an answer."""
    laws = record.laws.laws if record.laws is not None else []
    failed = [law for law in laws if law.verdict is LawVerdict.FAIL]
    broken = [_name(law) for law in failed if not law.is_known]
    open_laws = [
        f"{_name(law)}: {brief(law.reason or 'no reason was told')}"
        for law in laws
        if law.verdict in {LawVerdict.UNKNOWN, LawVerdict.NOT_ASKED}
    ]
    reason = record.problem
    if broken:
        outcome = CellOutcome.BROKEN
    elif record.verdict is Verdict.PASS:
        outcome = CellOutcome.HOLDS
    elif record.verdict in {Verdict.USAGE, Verdict.INVALID}:
        outcome = CellOutcome.NOT_BUILT
    else:
        outcome = CellOutcome.UNKNOWN
        reason = reason or "; ".join(open_laws) or record.summary
    proof = record.environment
    elapsed_s = record.figures.get("elapsed_s")
    return CellRow(
        group=group,
        place=record.cell.place,
        digest=record.cell.digest,
        outcome=outcome,
        is_promised=is_promised,
        elapsed_s=float(elapsed_s) if isinstance(elapsed_s, int | float) else 0.0,
        held_count=sum(law.verdict is LawVerdict.PASS for law in laws),
        broken=broken,
        known=[_name(law) for law in failed if law.is_known],
        python=proof.python_version if proof else None,
        sqlite=proof.sqlite_version if proof else None,
        reason=reason,
    )


def _name(law: LawRecord) -> str:
    return law.law if law.subject == recipe.LIBRARIES else f"{law.law} [{law.subject}]"


def is_promised(place: Place, pyproject: Path) -> bool:
    """Whether the published bounds allow the releases of a place."""
    bounds = {each.name: each.specifier for each in requirements.direct_requirements(pyproject)}
    pinned = requirements.pins("\n".join(place.requirements))
    return all(name not in bounds or bounds[name].contains(pinned[name]) for name in pinned)


def conclude(rows: Sequence[CellRow], seed: int) -> MatrixRecord:
    """A promise that is broken fails; a cell without an answer leaves the answer open."""
    counts = Counter(row.outcome for row in rows)
    failed = [row for row in rows if row.outcome is CellOutcome.BROKEN and row.is_promised]
    silent = counts[CellOutcome.NOT_BUILT] + counts[CellOutcome.UNKNOWN]
    verdict = Verdict.FAIL if failed else Verdict.UNKNOWN if silent or not rows else Verdict.PASS
    found = [f"{counts[outcome]} {outcome.value}" for outcome in CellOutcome if counts[outcome]]
    unpromised = counts[CellOutcome.BROKEN] - len(failed)
    found += [f"{unpromised} of the broken never promised"] if unpromised else []
    asked_s = sum(row.elapsed_s for row in rows)
    return MatrixRecord(
        name="matrix",
        verdict=verdict,
        summary=f"{len(rows)} cells: {', '.join(found)}; asked for {asked_s / 60:.0f} min",
        figures={
            "cells": len(rows),
            **{outcome.value: counts[outcome] for outcome in CellOutcome},
            "asked_s": round(asked_s, 1),
        },
        seed=seed,
        rows=list(rows),
    )


def build_parser() -> session.Parser:
    """The command line."""
    description, _, rest = (__doc__ or "").partition("\n\n")
    made = session.parser(program="python -m reports.matrix", description=description)
    made.epilog = rest.partition("\n\n")[2]
    made.add_argument(
        "--group", action="append", default=[], metavar="NAME", help="only this recipe of ours"
    )
    made.add_argument(
        "--recipe",
        action="append",
        default=[],
        type=given_path,
        metavar="FILE",
        help="this file, and of ours what --group names",
    )
    made.add_argument("--list", action="store_true", help="list the cells, ask nothing")
    made.add_argument("--seed", type=int, default=1, help="for the laws' draws (default: 1)")
    made.add_argument(
        "--write-docs", action="store_true", help=f"write the tables into {PAGE.as_posix()}"
    )
    return made


def _run(options: argparse.Namespace) -> int:
    if not 0 <= options.seed < 2**32:
        raise UsageError("a seed lies between 0 and 2**32 - 1.")
    recipes = recipe.chosen(options.group, options.recipe)
    digest = sources.digest(session.ROOT)
    asked = [
        (each.title, cell)
        for each in recipes
        for cell in each.cells(sources=digest, seed=options.seed)
    ]
    if options.list:
        for group, cell in asked:
            print(f"{cell.digest}  {group}: {cell.place.words}")
        return Verdict.PASS.exit_code
    page = session.ROOT / PAGE
    if options.write_docs:  # a page without a place is told before anything is asked
        marked.between(page.read_text("utf-8"), MARK)
    began = time.monotonic()
    progress = Progress(terminal.console())
    cache = session.ROOT / ".gate"
    builder = Builder(root=session.ROOT, cache=cache, pulse=progress.detail, is_compiled=False)
    cells = Cells(Answering(builder=builder, progress=progress), cache / "cells")
    most_bytes = policy.load().limits.cache_mb * 1e6
    rows = []
    with terminating_like_interrupt(), progress:
        for number, (group, cell) in enumerate(asked, 1):
            record, was_kept = cells.answer(cell)
            promised = is_promised(cell.place, session.ROOT / "pyproject.toml")
            rows.append(row_of(group, record, is_promised=promised))
            how = "kept" if was_kept else f"{rows[-1].elapsed_s:.0f} s"
            progress.say(f"{number}/{len(asked)} {cell.place.words}: {words(rows[-1])} ({how})")
            make_room(cache, most_bytes)
    progress.say(f"{time.monotonic() - began:.0f} s in all")
    matrix = conclude(rows, options.seed)
    if options.write_docs:
        marked.rewrite(page, MARK, markdown(told(matrix)).splitlines())
    return session.finish(matrix, options.out, show=lambda: terminal.show(told(matrix)))


def main(given: Sequence[str] | None = None) -> int:
    """Run the session and return its exit code."""
    try:
        return _run(build_parser().parse_args(session.arguments(given)))
    except (UsageError, OSError) as error:
        print(error, file=sys.stderr)
        print("matrix: usage: nothing was asked", flush=True)
        return Verdict.USAGE.exit_code
    except KeyboardInterrupt:
        print("matrix: invalid: interrupted; the same command goes on from here", flush=True)
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
