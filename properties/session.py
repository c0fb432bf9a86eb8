"""How a session of this package begins and ends: its options, its record, its last line."""

from __future__ import annotations

import argparse
import os
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import msgspec

from reports import schema
from reports.schema import RecordNotWrittenError, SessionRecord, Verdict

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "reports" / "out"
INTERRUPTED = 130


class UsageError(Exception):
    """The command line asks for something that is not there; the message says what to do."""


class CannotJudgeError(Exception):
    """The environment is such that nothing can be asked; the message says why."""


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


def finish(
    record: SessionRecord,
    path: Path,
    *,
    show: Callable[[], None] = lambda: None,
    when_passed: str | None = None,
) -> int:
    """Write the record, print what ``show`` prints and the last line, return the exit code.

    A verdict whose record could not be kept is invalid: whoever reads the file would believe an
    older one. A reader who leaves early (``| head``) changes neither record nor exit code.
    """
    try:
        schema.write(path, record)
    except RecordNotWrittenError as error:
        print(error, file=sys.stderr)
        summary = f"{record.summary}; the record is not written"
        record = msgspec.structs.replace(record, verdict=Verdict.INVALID, summary=summary)
    sys.stderr.flush()
    try:
        show()
        if when_passed is not None and record.verdict is Verdict.PASS:
            print(when_passed)
        print(record.last_line, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return record.verdict.exit_code


def run(name: str, session: Callable[[], int]) -> NoReturn:
    """Run a session and leave the process with its exit code, whatever happens in it.

    Bad options are usage, Ctrl-C and a failure of the session itself are invalid: each with its
    last line. A leaked worker thread does not keep the process.
    """
    try:
        code = session()
    except UsageError as error:
        code = refuse(name, Verdict.USAGE, str(error))
    except CannotJudgeError as error:
        code = refuse(name, Verdict.INVALID, str(error))
    except KeyboardInterrupt:
        print(f"{name}: invalid: interrupted", flush=True)
        code = INTERRUPTED
    except Exception:  # noqa: BLE001 - a session that fails has judged nothing, and says so
        traceback.print_exc()
        print(f"{name}: invalid: the session itself failed", flush=True)
        code = Verdict.INVALID.exit_code
    _leave(code)


def _leave(code: int) -> NoReturn:
    leaked = [
        thread
        for thread in threading.enumerate()
        if thread is not threading.main_thread() and not thread.daemon
    ]
    if leaked:
        print(f"{len(leaked)} leaked threads are left behind", file=sys.stderr, flush=True)
        sys.stdout.flush()
        os._exit(code)
    sys.exit(code)
