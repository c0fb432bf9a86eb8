"""How a session of this package begins and ends: its options, its record, its last line."""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NoReturn, TextIO

import msgspec

from properties.environment import environment
from properties.scratch import sweep_scratch_folders
from reports import schema
from reports.schema import Figure, RecordNotWrittenError, SessionRecord, Verdict

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "reports" / "out"
INTERRUPTED = 130
QUIET_S = 4.0
AGAIN_S = 0.05


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
        type=schema.record_path,
        metavar="FILE",
        default=OUT / f"{name}.json",
        help=f"where the record goes (default: reports/out/{name}.json)",
    )
    return made


def at_least(minimum: int) -> Callable[[str], int]:
    """Return an argument's type: a whole number that is not below ``minimum``."""

    def number(text: str) -> int:
        found = int(text)
        if found < minimum:
            raise argparse.ArgumentTypeError(f"{found} is below {minimum}")
        return found

    number.__name__ = "int"  # argparse names the type in its message
    return number


def begin(path: Path) -> None:
    """Remove the record of an earlier run: if this one is killed, nobody may take it for its own.

    A record that cannot be removed cannot be written either, which ``finish`` tells.
    """
    with contextlib.suppress(OSError):
        path.unlink()


def refuse(name: str, verdict: Verdict, what: str) -> int:
    """Say why nothing was asked, end with the last line, return the exit code."""
    print(what, file=sys.stderr)
    _tell_the_job(SessionRecord(name=name, verdict=verdict, summary=what))
    print(f"{name}: {verdict.value}: nothing was asked", flush=True)
    return verdict.exit_code


def _tell_the_job(record: SessionRecord) -> None:
    # Late: whatever was judged or measured in this process did without.
    from reports.documents.files import append_to_step_summary

    append_to_step_summary(record)


def finish(
    record: SessionRecord,
    path: Path,
    *,
    show: Callable[[], None] = lambda: None,
    when_passed: str | None = None,
) -> int:
    """Write the record, print what ``show`` prints and the last line, return the exit code.

    A verdict whose record could not be kept is invalid: whoever reads the file would believe an
    older one.
    """
    try:
        schema.write(path, record)
    except RecordNotWrittenError as error:
        print(error, file=sys.stderr)
        summary = f"{record.summary}; the record is not written"
        record = msgspec.structs.replace(record, verdict=Verdict.INVALID, summary=summary)
    _tell_the_job(record)
    sys.stderr.flush()
    show()
    if when_passed is not None and record.verdict is Verdict.PASS:
        print(when_passed)
    print(record.last_line, flush=True)
    return record.verdict.exit_code


def end(
    name: str,
    verdict: Verdict,
    summary: str,
    figures: Mapping[str, Figure],
    path: Path,
    *,
    show: Callable[[], None] = lambda: None,
) -> int:
    """Make the record of a session that has figures and no more, and ``finish`` with it."""
    here = environment()
    record = SessionRecord(
        name=name,
        verdict=verdict,
        summary=summary,
        figures=dict(figures),
        versions=here.versions(),
        environment=here,
    )
    return finish(record, path, show=show)


def run(name: str, session: Callable[[], int], *, shows_life: bool = False) -> NoReturn:
    """Run a session and leave the process with its exit code, whatever happens in it.

    Bad options are usage, Ctrl-C (or SIGTERM) and a failure of the session itself are invalid: each
    with its last line. A reader who leaves early (``| head``) takes the output with him and not
    the exit code. A leaked worker thread does not keep the process. ``shows_life`` says every few
    seconds on standard error that the session still runs.
    """
    if shows_life:
        threading.Thread(target=_show_life, args=(name,), name="sign of life", daemon=True).start()
    sys.stdout = out = _Outlasting(sys.stdout)
    _insist_on_interrupts()
    sweep_scratch_folders()
    try:
        code = session()
    except UsageError as error:
        code = refuse(name, Verdict.USAGE, str(error))
    except CannotJudgeError as error:
        code = refuse(name, Verdict.INVALID, str(error))
    except KeyboardInterrupt:
        begun = "\n" if out.is_mid_line else ""
        print(f"{begun}{name}: invalid: interrupted", flush=True)
        code = INTERRUPTED
    except Exception:  # noqa: BLE001 - a session that fails has judged nothing, and says so
        traceback.print_exc()
        print(f"{name}: invalid: the session itself failed", flush=True)
        code = Verdict.INVALID.exit_code
    _leave(code)


def _insist_on_interrupts() -> None:
    """Let Ctrl-C come again when it was lost.

    It is raised wherever Python code runs next: in a finalizer or the callback of a weak reference
    if the collector is at work, and from there no exception gets out. A search that collects
    between its runs would go on for ever.
    """
    told = sys.unraisablehook

    def hook(lost: sys.UnraisableHookArgs) -> None:
        if issubclass(lost.exc_type, KeyboardInterrupt):
            signal.setitimer(signal.ITIMER_REAL, AGAIN_S)  # not now: this hook is no better place
        else:
            told(lost)

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    if hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGALRM, signal.default_int_handler)
        sys.unraisablehook = hook


class _Outlasting(io.TextIOBase):
    """Standard output whose reader may leave before the session ends: then it goes nowhere."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.is_mid_line = False

    def write(self, text: str) -> int:
        self.is_mid_line = True  # Ctrl-C may come anywhere in here
        try:
            written = self._stream.write(text)
        except BrokenPipeError:
            self._let_the_reader_go()
            return len(text)
        self.is_mid_line = not text.endswith("\n")
        return written

    def flush(self) -> None:
        try:
            self._stream.flush()
        except BrokenPipeError:
            self._let_the_reader_go()

    def fileno(self) -> int:
        return self._stream.fileno()

    def isatty(self) -> bool:
        return self._stream.isatty()

    def _let_the_reader_go(self) -> None:
        # What is still buffered is flushed when the interpreter ends, and would fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())


def _show_life(name: str) -> None:
    began_s = time.monotonic()
    while True:
        time.sleep(QUIET_S)
        elapsed_s = time.monotonic() - began_s
        print(f"{name}: {elapsed_s:.0f} s, still running", file=sys.stderr, flush=True)


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Turn SIGTERM into KeyboardInterrupt, so that what was begun is cleared away for both."""

    def interrupt(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


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
