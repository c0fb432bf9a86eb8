"""How a session of this package begins and ends: its options, its record, its last line."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import NoReturn

import msgspec

from reports import schema
from reports.schema import RecordNotWrittenError, SessionRecord, Verdict

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "reports" / "out"


class UsageError(Exception):
    """The command line asks for something that is not there; the message says what to do."""


class Parser(argparse.ArgumentParser):
    """Raises where argparse would leave the process, so that the last line is always said."""

    def error(self, message: str) -> NoReturn:
        """Raise ``UsageError``."""
        raise UsageError(f"{message}. `{self.prog.removesuffix(' --')} -- --help` explains.")


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


def refuse(name: str, verdict: Verdict, what: str) -> int:
    """Say why nothing was asked, end with the last line, return the exit code."""
    print(what, file=sys.stderr)
    print(f"{name}: {verdict.value}: nothing was asked", flush=True)
    return verdict.exit_code


def finish(record: SessionRecord, path: Path, *, when_passed: str | None = None) -> int:
    """Write the record, print the last line, return the exit code.

    A verdict whose record could not be kept is invalid: whoever reads the file would believe an
    older one. ``when_passed`` is printed before the last line of a pass.
    """
    try:
        schema.write(path, record)
    except RecordNotWrittenError as error:
        print(error, file=sys.stderr)
        summary = f"{record.summary}; the record is not written"
        record = msgspec.structs.replace(record, verdict=Verdict.INVALID, summary=summary)
    sys.stderr.flush()
    if when_passed is not None and record.verdict is Verdict.PASS:
        print(when_passed)
    print(record.last_line, flush=True)
    return record.verdict.exit_code
