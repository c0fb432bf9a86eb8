"""``python -m properties``: ask every law, print law by law what held, leave a record."""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import random
import sys
import threading
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from properties.environment import environment
from properties.known import known_defects, stale, with_known
from properties.profiles import PROFILES
from properties.recording import RECORDER, ProgressLine, outside_stream
from properties.report import print_laws, summary_of, verdict_on
from reports import schema
from reports.schema import LawsRecord, RecordNotWrittenError, Verdict

ROOT = Path(__file__).resolve().parent.parent
SPECS = Path(__file__).resolve().parent / "specs"
GATE_COMMAND = "nox -s gate -- python-statemachine==3.2.2"


class UsageError(Exception):
    """The command line asks for something that is not there."""


class CannotJudgeError(Exception):
    """The environment is such that no law can be asked."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> None:  # type: ignore[override]
        raise UsageError(f"{message}. `nox -s properties -- --help` explains.")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="nox -s properties --",
        description="Ask every law of the durable state machine, and say law by law what held.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--profile", choices=sorted(PROFILES), default="dev", help="how hard to try"
    )
    parser.add_argument("--law", action="append", default=[], metavar="NAME", help="only this law")
    parser.add_argument(
        "--subject", action="append", default=[], metavar="NAME", help="only this subject"
    )
    parser.add_argument("--seed", type=int, help="draw the same cases again")
    parser.add_argument("--list", action="store_true", help="list laws and subjects, ask nothing")
    parser.add_argument(
        "--record",
        type=Path,
        metavar="FILE",
        default=ROOT / "reports" / "out" / "properties.json",
        help="where the record goes (default: reports/out/properties.json)",
    )
    return parser


def law_names() -> list[str]:
    """Return the names of all laws, which are the names of the files in ``specs``."""
    return sorted(path.stem.removeprefix("test_") for path in SPECS.glob("test_*.py"))


def subject_names() -> list[str]:
    """Return the names of our subjects. Raises whatever a library raises when it is imported."""
    from properties.subjects import CORE_SUBJECTS  # late: a release that cannot be imported is told

    return sorted(CORE_SUBJECTS)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    options = _parser().parse_args(arguments)
    try:
        subjects = subject_names()
    except Exception as error:
        raise CannotJudgeError(f"the subjects cannot be imported: {error!r}") from error
    for asked, known, what in (
        (options.law, law_names(), "law"),
        (options.subject, subjects, "subject"),
    ):
        for name in asked:
            if name not in known:
                raise UsageError(f"no {what} is named {name!r}; --list shows all {len(known)}.")
    return options


def _ask(options: argparse.Namespace, seed: int) -> str | None:
    """Run the specs; return what pytest printed if it could not."""
    RECORDER.only_laws = frozenset(options.law)
    RECORDER.only_subjects = frozenset(options.subject)
    arguments = [
        str(SPECS),
        f"--rootdir={ROOT}",
        f"--law-profile={options.profile}",
        f"--hypothesis-seed={seed}",
        "--override-ini=addopts=--import-mode=importlib --strict-config --strict-markers",
        *("-p", "no:cacheprovider"),
        # What is left behind is judged by probes of our own; a warning from a destructor is no law.
        *("-p", "no:unraisableexception", "-p", "no:threadexception"),
        "--tb=short",
    ]
    printed = io.StringIO()
    with outside_stream() as stream, ProgressLine(RECORDER, stream):
        with contextlib.redirect_stdout(printed):
            code = pytest.main(arguments, plugins=[RECORDER])
    if code in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        return None
    return printed.getvalue()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    try:
        options = _options(arguments)
    except UsageError as error:
        print(error, file=sys.stderr)
        print("properties: usage: nothing was asked")
        return Verdict.USAGE.exit_code
    except CannotJudgeError as error:
        print(f"properties: invalid: {error}", flush=True)
        return Verdict.INVALID.exit_code
    if options.list:
        print("laws:", *law_names(), "subjects:", *subject_names(), sep="\n  ")
        return 0
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(2**32)
    print(f"properties: profile {options.profile}, seed {seed}", file=sys.stderr, flush=True)
    trouble = _ask(options, seed)
    command = f"nox -s properties -- --profile {options.profile} --seed {seed}"
    defects = known_defects()
    laws = with_known(RECORDER.records(command), defects)
    verdict = verdict_on(laws, trouble, defects)
    print_laws(laws, defects)
    if trouble is not None:
        print(trouble)
    here = environment(hypothesis_profile=options.profile)
    tally = sum(RECORDER.explorations.values(), Counter[str]())
    for name in stale(laws, defects):
        print(f"properties/known.toml: {name} holds here; take its entry out or narrow it")
    summary = summary_of(laws, defects, tally, seed)
    record = LawsRecord(
        name="properties",
        verdict=verdict,
        summary=summary,
        figures={f"explored: {what}": count for what, count in sorted(tally.items())},
        versions=here.versions(),
        environment=here,
        profile=options.profile,
        seed=seed,
        laws=laws,
    )
    try:
        schema.write(options.record, record)
    except RecordNotWrittenError as error:
        print(error, file=sys.stderr)
        verdict, summary = Verdict.INVALID, f"{summary}; the record is not written"
    if verdict is Verdict.PASS:
        print(f"May you upgrade? Ask: {GATE_COMMAND}")
    sys.stderr.flush()
    print(f"properties: {verdict.value}: {summary}", flush=True)
    return verdict.exit_code


def _leave(code: int) -> None:
    """End the process, also when a leaked worker thread would keep it for ever."""
    leaked = [
        thread
        for thread in threading.enumerate()
        if thread is not threading.main_thread() and not thread.daemon
    ]
    if leaked:
        print(f"{len(leaked)} leaked threads are left behind", file=sys.stderr, flush=True)
        os._exit(code)
    sys.exit(code)


if __name__ == "__main__":
    _leave(main())
