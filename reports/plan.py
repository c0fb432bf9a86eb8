"""Which cells a question is made of, so that they can be handed out to machines.

    python -m reports.plan [--group NAME …] [--recipe FILE …]
    python -m reports.plan --with REQUIREMENT … [--python V …] [--sqlite V …] [--ask WHAT …]

The groups are those of `nox -s matrix`, all of them where nothing is named. With `--with` a plan is
made of the lock and of each release named there, on each Python and each SQLite: laws of each, and
what the releases do or take otherwise than the lock, as asked. Each cell is answered alone (`nox -s
cell -- ID`), all of them by `nox -s spread`, and `nox -s merge` joins the answers. Where
$GITHUB_OUTPUT is set, `cells` is written there, as a job's matrix takes it.

Exit codes: 0 planned, 2 usage error.
"""

import argparse
import itertools
import json
import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from reports import recipe, session, sources
from reports.interpreters import here
from reports.schema import Asked, Cell, Place, PlanRecord, SessionRecord, Verdict, given_path
from reports.session import UsageError

NAME = "plan"
PLAN = session.OUT / "plan.json"
ANSWERS = Path(".gate", "cells")
"""Below the checkout: each answer under the digest of its question, where `matrix` finds it too."""
OUTPUT = "GITHUB_OUTPUT"
JOBS_MOST = 256
"""So many jobs a matrix of GitHub may have."""


def words(cell: Cell) -> str:
    """What lines and tables call a cell."""
    named = f" {', '.join(cell.names)}" if cell.names else ""
    return f"{cell.asked.value}{named} of {cell.place.words}, seed {cell.seed}"


def made_of(options: argparse.Namespace, digest: str) -> Iterator[Cell]:
    """Yield the cells of releases that are named, those of one environment beside each other."""
    places = [
        Place(python=python, requirements=sorted(release.split()), sqlite=sqlite)
        for python, sqlite, release in itertools.product(
            options.python or [here()], options.sqlite or [None], ["", *options.releases]
        )
    ]
    asked = [Asked(each) for each in options.ask or [Asked.LAWS.value]]
    seeds = range(1, options.seeds + 1)
    for place, what, seed in itertools.product(places, asked, seeds):
        lock = msgspec.structs.replace(place, requirements=[])
        if what is not Asked.LAWS and place == lock:
            continue
        cell = Cell(
            asked=what,
            place=place,
            sources=digest,
            baseline=None if what is Asked.LAWS else lock,
            subjects=options.subject,
            profile=options.profile,
            seed=seed,
        )
        names = options.law if what is Asked.LAWS else []
        split = [[name] for name in names] if options.by_law else [names]
        yield from (msgspec.structs.replace(cell, names=each) for each in split)


def record_of(cells: Sequence[Cell]) -> PlanRecord:
    """The plan; the same question twice is one cell."""
    unique = {each.digest: each for each in cells}
    counts = Counter(each.asked.value for each in unique.values())
    told = ", ".join(f"{count} of {what}" for what, count in counts.items())
    return PlanRecord(
        name=NAME,
        verdict=Verdict.PASS,
        summary=f"{len(unique)} cells planned, nothing asked: {told}",
        figures={"cells": len(unique), **counts},
        cells=list(unique.values()),
    )


def hand_to_github(cells: Sequence[Cell], path: str) -> None:
    """Write the cells where a job's matrix reads them. Raises `UsageError` for too many."""
    if len(cells) > JOBS_MOST:
        raise UsageError(
            f"{len(cells)} cells are more than the {JOBS_MOST} jobs of a matrix. Name fewer groups."
        )
    handed = [{"id": each.digest, "words": words(each)} for each in cells]
    with open(path, "a", encoding="utf-8") as stream:
        stream.write(f"cells={json.dumps(handed)}\n")


def _parser() -> session.Parser:
    description, _, rest = (__doc__ or "").partition("\n\n")
    made = session.parser(program="python -m reports.plan", description=description)
    made.epilog = rest
    several: dict[str, Any] = {"action": "append", "default": []}  # argparse's own keywords
    made.add_argument("--group", metavar="NAME", help="a recipe of ours", **several)
    made.add_argument("--recipe", type=given_path, metavar="FILE", help="a recipe", **several)
    made.add_argument(
        "--with", dest="releases", metavar="REQUIREMENT", help="beside the lock", **several
    )
    made.add_argument("--python", metavar="VERSION", help="default: this one", **several)
    made.add_argument("--sqlite", metavar="VERSION", help="default: as linked", **several)
    choices = [each.value for each in Asked]
    made.add_argument("--ask", choices=choices, help="default: laws", **several)
    made.add_argument("--law", metavar="NAME", help="only this law", **several)
    made.add_argument("--by-law", action="store_true", help="a cell for each --law")
    made.add_argument("--subject", metavar="NAME", help="only this subject", **several)
    made.add_argument("--profile", default="gate", help="of the laws (default: gate)")
    made.add_argument("--seeds", type=int, default=1, help="so many of each (default: 1)")
    return made


def planned(options: argparse.Namespace) -> PlanRecord:
    """Plan what the command line asks. Raises `UsageError`."""
    own = [options.python, options.sqlite, options.ask, options.law, options.subject]
    if options.seeds < 1:
        raise UsageError("--seeds is a number from 1 on.")
    digest = sources.digest(session.ROOT)
    cells = [*made_of(options, digest)] if options.releases or any(own) else []
    if options.group or options.recipe or not cells:
        for each in recipe.chosen(options.group, options.recipe):
            cells += each.cells(sources=digest, seed=1)
    return record_of(cells)


def main(given: Sequence[str] | None = None) -> int:
    """Write the plan; the last line says how many cells it has."""
    out = PLAN
    record: SessionRecord
    try:
        options = _parser().parse_args(session.arguments(given))
        out = options.out
        record = plan = planned(options)
        if path := os.environ.get(OUTPUT):
            hand_to_github(plan.cells, path)
        for each in plan.cells:
            print(f"{each.digest}  {words(each)}")
    except UsageError as error:
        print(error, file=sys.stderr)
        record = SessionRecord(name=NAME, verdict=Verdict.USAGE, summary="nothing was planned")
    return session.finish(record, out, is_verdict=False)


if __name__ == "__main__":
    sys.exit(main())
