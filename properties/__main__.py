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
from properties.known import KnownDefect, known_defects, stale, with_known
from properties.profiles import PROFILES
from properties.recording import RECORDER, ProgressLine, outside_stream
from properties.subjects import CORE_SUBJECTS
from reports import schema
from reports.schema import LawRecord, LawsRecord, LawVerdict, RecordNotWrittenError, Verdict

ROOT = Path(__file__).resolve().parent.parent
SPECS = Path(__file__).resolve().parent / "specs"
GATE_COMMAND = "nox -s gate -- python-statemachine==3.2.2"


class UsageError(Exception):
    """The command line asks for something that is not there."""


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


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    options = _parser().parse_args(arguments)
    for asked, known, what in (
        (options.law, law_names(), "law"),
        (options.subject, sorted(CORE_SUBJECTS), "subject"),
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
        "-p",
        "no:cacheprovider",
        "--tb=short",
    ]
    printed = io.StringIO()
    with outside_stream() as stream, ProgressLine(RECORDER, stream):
        with contextlib.redirect_stdout(printed):
            code = pytest.main(arguments, plugins=[RECORDER])
    if code in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        return None
    return printed.getvalue()


def _verdict(
    laws: list[LawRecord], trouble: str | None, defects: dict[str, KnownDefect]
) -> Verdict:
    if trouble is not None or not laws:
        return Verdict.INVALID
    verdicts = {law.verdict for law in laws if law.law not in defects}
    if LawVerdict.FAIL in verdicts:
        return Verdict.FAIL
    return Verdict.UNKNOWN if LawVerdict.UNKNOWN in verdicts else Verdict.PASS


_WORST_FIRST = (LawVerdict.FAIL, LawVerdict.UNKNOWN, LawVerdict.PASS, LawVerdict.NOT_ASKED)


def _print_laws(laws: list[LawRecord], defects: dict[str, KnownDefect]) -> None:
    for name in dict.fromkeys(law.law for law in laws):
        asked = [law for law in laws if law.law == name]
        verdicts = {law.verdict for law in asked}
        worst = next(verdict for verdict in _WORST_FIRST if verdict in verdicts)
        word = "known" if worst is LawVerdict.FAIL and name in defects else worst.value
        print(f"  {word:<9} {asked[0].sentence}")
        where = ", ".join(law.subject for law in asked if law.verdict is worst)
        drawn = sum(law.examples for law in asked)
        print(f"            {where}{f': {drawn} examples' if drawn else ''}")
        for law in asked:
            if law.verdict is LawVerdict.PASS:
                continue
            for text in (law.reason, law.failure):
                if text is not None:
                    lines = f"[{law.subject}] {text}".splitlines()
                    print("\n".join(f"      {line}" for line in lines))


def _summary(
    laws: list[LawRecord], defects: dict[str, KnownDefect], tally: Counter[str], seed: int
) -> str:
    names = {law.law for law in laws}
    failed = {law.law for law in laws if law.verdict is LawVerdict.FAIL}
    unknown = {law.law for law in laws if law.verdict is LawVerdict.UNKNOWN} - failed
    told = [f"{len(names - failed - unknown)} of {len(names)} laws hold"]
    told += [f"{len(failed - set(defects))} fail"] if failed - set(defects) else []
    told += [f"{len(unknown)} unknown"] if unknown else []
    told += [f"known: {len(failed & set(defects))}"] if failed & set(defects) else []
    return (
        f"{', '.join(told)}; {tally['examples']} examples, {tally['attempts']} attempts, "
        f"seed {seed}"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    try:
        options = _options(arguments)
    except UsageError as error:
        print(error, file=sys.stderr)
        print("properties: usage: nothing was asked")
        return Verdict.USAGE.exit_code
    if options.list:
        print("laws:", *law_names(), "subjects:", *sorted(CORE_SUBJECTS), sep="\n  ")
        return 0
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(2**32)
    print(f"properties: profile {options.profile}, seed {seed}", file=sys.stderr, flush=True)
    trouble = _ask(options, seed)
    command = f"nox -s properties -- --profile {options.profile} --seed {seed}"
    defects = known_defects()
    laws = with_known(RECORDER.records(command), defects)
    verdict = _verdict(laws, trouble, defects)
    _print_laws(laws, defects)
    if trouble is not None:
        print(trouble)
    here = environment(hypothesis_profile=options.profile)
    tally = sum(RECORDER.explorations.values(), Counter[str]())
    for name in stale(laws, defects):
        print(f"properties/known.toml: {name} holds here; take its entry out or narrow it")
    summary = _summary(laws, defects, tally, seed)
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
        print(f"All laws hold. May you upgrade? Ask: {GATE_COMMAND}")
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
