"""How the sessions of the simulation end: a record, and one line that says the verdict."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

from properties.environment import environment
from reports import schema
from reports.schema import Figure, SessionRecord, Verdict

OUT = Path(__file__).resolve().parents[2] / "reports" / "out"


class Parser(argparse.ArgumentParser):
    """Ends with the usage verdict where argparse would just exit."""

    def error(self, message: str) -> None:  # type: ignore[override]
        """Say what was wrong."""
        name = self.prog.split()[-2]
        print(f"{message}. `nox -s {name} -- --help` explains.", file=sys.stderr)
        print(f"{name}: usage: nothing was run")
        raise SystemExit(Verdict.USAGE.exit_code)


def parser(name: str, description: str) -> Parser:
    """Return a parser with the options that every session has."""
    made = Parser(prog=f"nox -s {name} --", description=description, allow_abbrev=False)
    made.add_argument(
        "--record",
        type=Path,
        metavar="FILE",
        default=OUT / f"{name}.json",
        help=f"where the record goes (default: reports/out/{name}.json)",
    )
    return made


def end(
    name: str, verdict: Verdict, summary: str, figures: Mapping[str, Figure], record: Path
) -> int:
    """Write the record, print the last line, return the exit code."""
    here = environment()
    session = SessionRecord(
        name=name,
        verdict=verdict,
        summary=summary,
        figures=dict(figures),
        versions=here.versions(),
        environment=here,
    )
    try:
        schema.write(record, session)
    except schema.RecordNotWrittenError as error:
        print(error, file=sys.stderr)
        verdict, summary = Verdict.INVALID, f"{summary}; the record is not written"
    print(f"{name}: {verdict.value}: {summary}", flush=True)
    return verdict.exit_code
