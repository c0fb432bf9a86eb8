"""How a session of this package ends: its record, its last line, its exit code."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

import msgspec

from reports import schema
from reports.documents.files import append_to_step_summary
from reports.schema import RecordNotWrittenError, SessionRecord, Verdict

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "reports" / "out"


class UsageError(Exception):
    """The command line asks for something that cannot be done; the message says what to do."""


class Parser(argparse.ArgumentParser):
    """A parser whose errors end like every other session: with a verdict and a last line."""

    def error(self, message: str) -> NoReturn:
        """Raise instead of leaving the process, so that the session can say its last line."""
        raise UsageError(f"{message}. `{self.prog} --help` explains.")


def parser(*, program: str, description: str) -> Parser:
    """A parser with the options that every session shares."""
    made = Parser(
        prog=program,
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    name = program.rpartition(" ")[2].partition(".")[2] or program
    made.add_argument(
        "--out",
        type=schema.record_path,
        metavar="FILE",
        default=OUT / f"{name}.json",
        help=f"where the record goes (default: reports/out/{name}.json)",
    )
    return made


def shown(path: str | os.PathLike[str]) -> str:
    """A path as a reader of this checkout would type it."""
    absolute = Path(path).absolute()
    return str(absolute.relative_to(ROOT)) if absolute.is_relative_to(ROOT) else str(path)


def let_the_reader_go() -> None:
    """Print into nothing from now on: whoever read standard output has left (``| head``)."""
    # What is still buffered is flushed when the interpreter ends, and would fail again.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def finish(
    record: SessionRecord,
    out: Path,
    *,
    show: Callable[[], None] = lambda: None,
    is_verdict: bool = True,
) -> int:
    """Write the record, print what ``show`` prints and the last line; return the exit code.

    A verdict is told on the page of the job too, where there is one.

    A verdict whose record could not be kept is invalid: whoever reads the file would believe an
    older one. A reader who leaves early changes neither record nor exit code.
    """
    try:
        schema.write(out, record)
    except RecordNotWrittenError as error:
        print(error, file=sys.stderr)
        record = msgspec.structs.replace(
            record, verdict=Verdict.INVALID, summary=f"{record.summary}; the record is not written"
        )
    if is_verdict:
        append_to_step_summary(record, beside=out.parent / out.stem)
    sys.stderr.flush()
    try:
        show()
        print(record.last_line, flush=True)
    except BrokenPipeError:
        let_the_reader_go()
    return record.verdict.exit_code


def arguments(given: Sequence[str] | None) -> list[str]:
    """The command line after the program, as nox hands it on."""
    return list(sys.argv[1:] if given is None else given)
