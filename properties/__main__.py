"""``python -m properties``: ask every law, print law by law what held, leave a record."""

from __future__ import annotations

import argparse
import ast
import contextlib
import functools
import io
import os
import random
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from properties import beside, reach, sighting
from properties.asked import docket, dropped
from properties.cases import NoCaseError
from properties.environment import environment
from properties.known import KnownDefect, known_defects, stale, with_known
from properties.profiles import PROFILES
from properties.recording import NO_SUBJECT, RECORDER, ProgressLine, outside_stream
from properties.report import print_laws, summary_of, verdict_on
from properties.session import (
    ROOT,
    CannotJudgeError,
    Parser,
    UsageError,
    begin,
    finish,
    parser,
    run,
)
from properties.unfinished import keeper
from reports.schema import LawsRecord, given_path

SPECS = Path(__file__).resolve().parent / "specs"
GATE_COMMAND = "nox -s gate -- python-statemachine==3.2.2"


def _parser() -> Parser:
    made = parser(
        "properties", "Ask every law of the durable state machine, and say law by law what held."
    )
    made.add_argument("--profile", choices=sorted(PROFILES), default="dev", help="how hard to try")
    made.add_argument("--law", action="append", default=[], metavar="NAME", help="only this law")
    made.add_argument(
        "--subject",
        action="append",
        default=[],
        metavar="NAME",
        help=f"only this subject; MODULE:FACTORY for one of yours, {NO_SUBJECT!r} for what is "
        "assumed of them",
    )
    beside.add_option(made)
    made.add_argument(
        "--minutes",
        type=_minutes,
        help="as many cases as two idle cores try in about so many minutes, at most the profile's",
    )
    made.add_argument("--seed", type=int, help="draw the same cases again")
    made.add_argument(
        "--note-cases", type=given_path, metavar="FILE", help="write down what is drawn"
    )
    made.add_argument(
        "--cases", type=given_path, metavar="FILE", help="meet the cases noted there, draw none"
    )
    made.add_argument("--list", action="store_true", help="list laws and subjects, ask nothing")
    made.add_argument(
        "--write-docs",
        action="store_true",
        help="write the pages about laws and faults, ask nothing",
    )
    return made


def _minutes(text: str) -> float:
    with contextlib.suppress(ValueError):
        if 0 < float(text) < 10_000:
            return float(text)
    raise argparse.ArgumentTypeError(f"{text} is no number of minutes above 0 and below 10,000")


def law_names() -> list[str]:
    """Return the names of all laws, which are the names of the files in ``specs``."""
    return sorted(path.stem.removeprefix("test_") for path in SPECS.glob("test_*.py"))


def sentence_of(law: str) -> str:
    """Return a law's sentence without importing its file."""
    tree = ast.parse((SPECS / f"test_{law}.py").read_text("utf-8"))
    return (ast.get_docstring(tree) or "").partition("\n")[0]


def subject_names() -> list[str]:
    """Return the names of our subjects. Raises whatever a library raises when it is imported."""
    from properties.subjects import CORE_SUBJECTS  # late: a release that cannot be imported is told

    return sorted(CORE_SUBJECTS)


def _add_foreign(names: Sequence[str]) -> None:
    """Let ``MODULE:FACTORY`` be judged beside ours; raises ``UsageError`` for no such module."""
    from properties.subjects.named import subject_named

    for name in names:
        if ":" not in name:
            continue
        try:
            subject_named(name)
        except KeyError:
            module = name.partition(":")[0]
            raise UsageError(
                f"no module {module!r} for subject {name!r}. Give MODULE:FACTORY."
            ) from None


def _require_foreign(names: Sequence[str], refused: list[str]) -> None:
    """Make each foreign subject once; its module may import what pytest must import first."""
    from properties.subjects.named import NotASubjectError, is_foreign, require_subject

    for name in filter(is_foreign, names):
        try:
            require_subject(name)
        except NotASubjectError as error:
            refused.append(f"--subject {name}: {error}.")
            pytest.exit(str(error), returncode=pytest.ExitCode.USAGE_ERROR)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    options = _parser().parse_args(arguments)
    try:
        subject_names()
        _add_foreign(options.subject)
        subjects = [*subject_names(), NO_SUBJECT]
    except UsageError:
        raise
    except Exception as error:
        raise CannotJudgeError(f"the subjects cannot be imported: {error!r}") from error
    for asked, known, what in (
        (options.law, law_names(), "law"),
        (options.subject, subjects, "subject"),
    ):
        for name in asked:
            if name not in known:
                raise UsageError(f"no {what} is named {name!r}; --list shows all {len(known)}.")
    try:
        if options.cases is not None:
            RECORDER.cases.take_from(options.cases)
        if options.note_cases is not None:
            RECORDER.cases.note_in(options.note_cases)
    except (OSError, NoCaseError) as error:
        raise UsageError(f"{error}. Name a file that --note-cases has written.") from error
    return options


def replay_command(options: argparse.Namespace, seed: int) -> str:
    """Return how the same cases are drawn again."""
    box = "" if options.minutes is None else f" --minutes {options.minutes:g}"
    met = "" if options.cases is None else f" --cases {options.cases}"
    asked = f"--profile {options.profile}{box} --seed {seed}{met}{beside.option()}"
    return f"nox -s properties -- {asked}"


def _ask(options: argparse.Namespace, seed: int, defects: dict[str, KnownDefect]) -> str | None:
    """Run the specs; return what pytest printed if it could not."""
    RECORDER.only_laws = frozenset(options.law)
    RECORDER.only_subjects = frozenset(options.subject)
    arguments = [
        str(SPECS),
        f"--rootdir={ROOT}",
        f"--law-profile={options.profile}",
        *([] if options.minutes is None else [f"--law-minutes={options.minutes}"]),
        f"--hypothesis-seed={seed}",
        "--override-ini=addopts=--import-mode=importlib --strict-config --strict-markers",
        *("-p", "no:cacheprovider"),
        # One test is a whole exploration, however long; the progress line says that it lives.
        "--override-ini=faulthandler_timeout=0",
        # What is left behind is judged by probes of our own; a warning from a destructor is no law.
        *("-p", "no:unraisableexception", "-p", "no:threadexception"),
        "--tb=short",
    ]
    for name in [name for name in os.environ if name.startswith("PYTEST_")]:
        del os.environ[name]  # a caller's own options would leave laws out in silence
    printed = io.StringIO()
    refused: list[str] = []
    RECORDER.before_collection = functools.partial(_require_foreign, options.subject, refused)
    sighting.watchers.append(RECORDER.see)
    with outside_stream() as stream, ProgressLine(RECORDER, stream):
        with contextlib.redirect_stdout(printed):
            code = pytest.main(arguments, plugins=[RECORDER])
    if refused:
        raise UsageError(refused[0])
    if code == pytest.ExitCode.INTERRUPTED:
        print_laws(with_known(RECORDER.records(replay_command(options, seed)), defects), defects)
        raise KeyboardInterrupt
    if code in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        return None
    return printed.getvalue()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    options = _options(arguments)
    if options.list:
        told = [f"{name}\n      {sentence_of(name)}" for name in law_names()]
        print("laws:", *told, "subjects:", *subject_names(), NO_SUBJECT, sep="\n  ")
        return 0
    if options.write_docs:
        from properties import pages  # late: it knows the mutants, which no law may

        print(f"properties: pass: wrote {', '.join(pages.write())}, nothing was asked")
        return 0
    begin(options.record)
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(2**32)
    print(f"properties: profile {options.profile}, seed {seed}", file=sys.stderr, flush=True)
    defects = known_defects()
    command = replay_command(options, seed)
    RECORDER.after_each = keeper(
        RECORDER,
        options.record,
        profile=options.profile,
        seed=seed,
        command=command,
        defects=defects,
    )
    try:
        trouble = _ask(options, seed, defects)
    finally:
        RECORDER.cases.close()
    laws = with_known(RECORDER.records(command), defects)
    chosen = options.law or ([] if options.subject else law_names())
    # Late, as in subject_names.
    from properties.subjects.shares import subjects_asked_a_share, subjects_asked_whole

    named = frozenset(options.subject)
    gone = dropped(
        laws,
        docket(),
        [name for name in subjects_asked_whole(options.profile, named) if ":" not in name],
        model_subjects=subjects_asked_a_share(options.profile, named),
        laws=options.law,
        subjects=options.subject,
    )
    verdict = verdict_on(laws, trouble, defects, chosen, gone)
    due = reach.marks()
    missed = [] if options.law or options.subject else reach.never(due)
    verdict = reach.judged(verdict, options.profile, missed)
    here = environment(hypothesis_profile=options.profile)
    tally = sum(RECORDER.explorations.values(), Counter[str]())
    summary = summary_of(laws, defects, tally, seed, chosen, gone)
    summary += f"; {len(missed)} of {len(due)} marks never reached" if missed else ""
    record = LawsRecord(
        name="properties",
        verdict=verdict,
        summary=summary,
        figures={
            **{f"explored: {what}": count for what, count in sorted(tally.items())},
            **RECORDER.figures,
            **{f"reach: {mark}": reach.HITS[mark] for mark in due},
        },
        versions=here.versions(),
        environment=here,
        profile=options.profile,
        seed=seed,
        laws=laws,
        dropped=list(gone) if trouble is None else [],
    )

    def show() -> None:
        print_laws(laws, defects)
        if trouble is not None:
            print(trouble)
        if not (options.law or options.subject):  # a choice of laws comes by few marks
            print(*reach.histogram(due), sep="\n")
        for name, value in RECORDER.figures.items():
            print(f"  {name}: {value:,}")
        for name in gone if trouble is None else ():
            print(f"properties/subjects/asked.toml: {name} is pinned there and was not asked")
        for name in stale(laws, defects):
            print(f"properties/known.toml: {name} holds here; take its entry out or narrow it")

    when_passed = f"May you upgrade? Ask: {GATE_COMMAND}"
    return finish(record, options.record, show=show, when_passed=when_passed)


if __name__ == "__main__":
    run("properties", main)
