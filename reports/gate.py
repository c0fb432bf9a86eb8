"""May we upgrade? The verdict on releases, with its reasons.

    python -m reports.gate REQUIREMENT … [options]       e.g. aiosqlite==0.20.0

Two environments are built from real releases: the baseline is the lock, the candidate is the lock
with the requirements. Both run the laws, then the benchmarks run in pairs of fresh processes. Each
process proves from inside which library files it ran.

A requirement without a version asks about the newest release, `sqlite==3.51.3` about an SQLite, and
the path of a wheel or a checkout about what is in it now. --latest asks about whatever the index
has newer than the lock, each alone and all together. A gate that was stopped goes on with --resume.

Exit codes: 0 pass, 1 fail, 2 usage error, 3 unknown, 4 invalid (nothing was judged), 130
interrupted. The thresholds stand in reports/policy.toml, each with its reason.
"""

import argparse
import contextlib
import random
import shutil
import sys
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from reports import (
    archive,
    cleaning,
    judgement,
    kept,
    questions,
    requirements,
    session,
    terminal,
)
from reports.documents import told
from reports.environments import Builder, EnvironmentUnavailableError, Sources
from reports.interpreters import interpreter
from reports.kept import Kept
from reports.processes import terminating_like_interrupt
from reports.progress import Progress
from reports.requirements import SQLITE
from reports.schema import GateQuestion, GateRecord, Reason, Verdict, given_path
from reports.verdict import Gate, NothingJudgedError

INTERRUPTED = 130
SHOWN_MOST = 300
NOTHING = "nothing was judged"


def build_parser() -> session.Parser:
    """The command line."""
    description, _, rest = (__doc__ or "").partition("\n\n")
    made = session.parser(program="python -m reports.gate", description=description)
    made.epilog = rest.partition("\n\n")[2]
    made.add_argument(
        "requirements",
        metavar="REQUIREMENT|PATH",
        nargs="*",
        help="aiosqlite==0.20.0, sqlite==3.51.3, ../aiosqlite",
    )
    made.add_argument(
        "--latest",
        action="store_true",
        help="what is newer than the lock: each alone, then all together",
    )
    made.add_argument("--python", metavar="VERSION|PATH", help="for both sides (default: this one)")
    made.add_argument(
        "--sqlite", metavar="VERSION", help="for the candidate, as sqlite==VERSION does"
    )
    made.add_argument(
        "--list", action="store_true", help="name what can be asked about, ask nothing"
    )
    made.add_argument(
        "--clean",
        action="store_true",
        help="remove the environments and stopped gates that are kept",
    )
    made.add_argument(
        "--resume", action="store_true", help="go on with the gate that was stopped last"
    )
    made.add_argument(
        "--baseline",
        action="append",
        default=[],
        metavar="REQUIREMENT|PATH",
        help="in place of the lock: as above, or a file that pins some (requirements, uv.lock)",
    )
    made.add_argument("--index", metavar="URL", help="where releases come from (default: PyPI)")
    made.add_argument(
        "--wheelhouse",
        type=given_path,
        metavar="DIR",
        help="a folder of wheels, and no network at all",
    )
    made.add_argument(
        "--constraint",
        type=given_path,
        metavar="FILE",
        help="releases that may be taken, with their hashes where known",
    )
    made.add_argument(
        "--archive",
        type=given_path,
        metavar="FILE",
        help="pack locks, schedules, records (.tar.gz)",
    )
    made.add_argument(
        "--reproduce",
        type=given_path,
        metavar="FILE",
        help="ask the question of an archive again, here",
    )
    made.add_argument(
        "--time-budget", type=_seconds, metavar="SECONDS", help="for the whole gate (default: 300)"
    )
    made.add_argument(
        "--accepted",
        type=given_path,
        metavar="FILE",
        help="the ledger of accepted changes (default: reports/accepted.toml)",
    )
    made.add_argument("--law", metavar="NAME", help="ask this law only")
    made.add_argument(
        "--subject",
        metavar="MODULE:FACTORY",
        help="does this one survive the upgrade? Its laws alone, nothing is timed",
    )
    made.add_argument(
        "--with",
        dest="beside",
        type=given_path,
        metavar="PATH",
        help="where MODULE is found; what its requirements.txt or pyproject.toml asks for is "
        "installed on both sides",
    )
    made.add_argument(
        "--seed",
        type=_seed,
        default=random.SystemRandom().randrange(2**31),
        help="for the laws' draws and the order of the pairs (default: random, recorded)",
    )
    made.add_argument(
        "--keep", action="store_true", help="keep raw records and logs in reports/out/gate/"
    )
    return made


def _seed(text: str) -> int:
    seed = int(text)
    if not 0 <= seed < 2**32:
        raise argparse.ArgumentTypeError("a seed lies between 0 and 2**32 - 1")
    return seed


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds < 1e6:
        raise argparse.ArgumentTypeError("seconds are a positive number")
    return seconds


def _unjudged(verdict: Verdict, what: str, asked: Sequence[str]) -> GateRecord:
    """The record of a gate that ended before it had judged anything."""
    print(what, file=sys.stderr, flush=True)
    return GateRecord(
        name="gate",
        verdict=verdict,
        summary=NOTHING,
        requirements=list(asked),
        reasons=[Reason(verdict=verdict, text=what)],
    )


def _without_a_question(options: argparse.Namespace) -> int:
    """Name what is locked, or remove what is kept; the record of the last gate stays."""
    if options.requirements:
        raise session.UsageError("--list and --clean take no REQUIREMENT.")
    cache = session.ROOT / ".gate"
    if options.clean:
        words = cleaning.clean(cache)
    else:
        builder = Builder(root=session.ROOT, cache=cache, pulse=lambda _: None)
        locked = requirements.pins(builder.lock_requirements())
        print(*(f"{name}=={version}" for name, version in sorted(locked.items())), sep="\n")
        words = f"{len(locked)} libraries can be asked about; nothing was asked"
    print(f"gate: pass: {words}", flush=True)
    return Verdict.PASS.exit_code


@contextlib.contextmanager
def _home(
    options: argparse.Namespace, question: GateQuestion | None
) -> Iterator[tuple[Kept, GateRecord | None]]:
    """The gate's folder, begun or gone on with, and the answer that an archive gives, if any."""
    gates = session.ROOT / ".gate" / "gates"
    with contextlib.ExitStack() as opened:
        if question is not None:
            yield opened.enter_context(kept.begun(gates, question)), None
        elif options.resume:
            yield opened.enter_context(kept.stopped(gates)), None
        else:
            folder = opened.enter_context(archive.unpacked(options.reproduce))
            question, answer = archive.question_of(folder)
            home = opened.enter_context(kept.begun(gates, question))
            archive.stage(folder, home)
            yield home, answer


def _answered(
    options: argparse.Namespace, progress: Progress, home: Kept, answer: GateRecord | None
) -> GateRecord:
    """Judge, keep what is to be kept, and let go of the folder."""
    question = home.question
    asked = f"{', '.join(question.requirements)} in place of {_place(question)}"
    asked = " ".join(
        asked.split()
    )  # a requirement with a line of its own must not fake one of ours
    again = " (goes on)" if options.resume else ""
    progress.say(f"the question: {asked[:SHOWN_MOST]} (seed {question.seed}){again}")
    sources = Sources(
        index=options.index, wheelhouse=options.wheelhouse, constraints=question.constraints
    )
    record = Gate(
        home,
        progress,
        sources=sources,
        accepted=options.accepted,
        time_budget_s=options.time_budget,
    ).judge()
    if answer is not None:
        for line in archive.differences(answer, record):
            progress.say(line)
    if options.archive is not None:
        try:
            archive.pack(home, record, options.archive)
            progress.say(f"to ask again elsewhere: nox -s gate -- --reproduce {options.archive}")
        except archive.ArchiveNotWrittenError as error:
            print(error, file=sys.stderr)
            weak = [*record.weaknesses, str(error)]
            record = msgspec.structs.replace(record, weaknesses=weak)
    if options.keep:
        place = options.out.parent / "gate"
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(home.folder, place)
    return record


def _place(question: GateQuestion) -> str:
    return ", ".join(question.baseline) or "the lock"


def _judged(
    options: argparse.Namespace, progress: Progress, question: GateQuestion | None
) -> GateRecord:
    """Ask one question to its end. What keeps it from an answer is told, and is the answer."""
    asked = question.requirements if question is not None else []
    try:
        with _home(options, question) as (home, answer):
            asked = home.question.requirements
            try:
                record = _answered(options, progress, home, answer)
            except (session.UsageError, EnvironmentUnavailableError, NothingJudgedError):
                kept.forget(home)
                raise
            kept.forget(home)
            return record
    except session.UsageError as error:
        return _unjudged(Verdict.USAGE, str(error), asked)
    except (EnvironmentUnavailableError, NothingJudgedError) as error:
        return _unjudged(Verdict.INVALID, str(error), asked)
    except OSError as error:
        where = f" ({session.shown(error.filename)})" if error.filename else ""
        what = (
            f"the gate cannot work here: {error.strerror}{where}. Mend that, then --resume goes on"
        )
        return _unjudged(Verdict.INVALID, what, asked)
    except Exception:  # noqa: BLE001 - told in full, and never a verdict
        # An error of ours has judged nothing, and its exit code would be that of a failure.
        traceback.print_exc()
        return _unjudged(Verdict.INVALID, "the gate itself failed, see above", asked)


def _latest(options: argparse.Namespace, progress: Progress, builder: Builder) -> GateRecord:
    """Ask about whatever is newer, each alone and all together, with a record for each question."""
    newer = questions.newer(builder)
    every = [[each] for each in newer] + ([newer] if len(newer) > 1 else [])
    progress.say(f"newer than the lock: {', '.join(newer) or 'nothing'}")
    reasons, words = [], []
    for number, asked in enumerate(every, 1):
        record = _judged(options, progress, questions.question(options, asked, builder))
        out = options.out.with_name(f"{options.out.stem}-{number}.json")
        _finish(record, out)
        name = ", ".join(asked)
        words.append(f"{name}: {record.verdict.value}")
        text = f"{name}: {record.summary} ({session.shown(out)})"
        reasons.append(Reason(verdict=record.verdict, text=text))
    if not every:
        words = [f"nothing is newer than {', '.join(questions.production(builder))}"]
        reasons = [Reason(verdict=Verdict.PASS, text=f"{words[0]}: there is nothing to upgrade to")]
    verdict, ordered = judgement.decide(reasons)
    return GateRecord(
        name="gate",
        verdict=verdict,
        summary="; ".join(words),
        requirements=newer,
        reasons=ordered,
        seed=options.seed,
    )


def _finish(record: GateRecord, out: Path) -> int:
    """Write and show a record; what was not judged was told already."""
    is_judged = record.summary != NOTHING
    show = (lambda: terminal.show(told(record))) if is_judged else (lambda: None)
    return session.finish(record, out, show=show)


def main(given: Sequence[str] | None = None) -> int:
    """Run the session and return its exit code."""
    out = session.OUT / "gate.json"
    asked: list[str] = []
    try:
        options = build_parser().parse_args(session.arguments(given))
        out, asked = options.out, options.requirements
        if options.list or options.clean:
            return _without_a_question(options)
        questions.refuse_half(options)
        progress = Progress(terminal.console())
        builder = Builder(
            root=session.ROOT,
            cache=session.ROOT / ".gate",
            pulse=progress.within("uv"),
            python=sys.executable if options.python is None else interpreter(options.python),
            sources=Sources(index=options.index, wheelhouse=options.wheelhouse),
        )
        with terminating_like_interrupt(), progress:
            if options.latest:
                record = _latest(options, progress, builder)
            else:
                old = options.resume or options.reproduce is not None
                beneath = [] if options.sqlite is None else [f"{SQLITE}=={options.sqlite}"]
                question = None if old else questions.question(options, [*asked, *beneath], builder)
                record = _judged(options, progress, question)
    except session.UsageError as error:
        record = _unjudged(Verdict.USAGE, str(error), asked)
    except EnvironmentUnavailableError as error:
        record = _unjudged(Verdict.INVALID, str(error), asked)
    except KeyboardInterrupt:
        what = "interrupted: what ran was ended, what had ended is kept. --resume goes on with it"
        session.finish(_unjudged(Verdict.INVALID, what, asked), out)
        return INTERRUPTED
    return _finish(record, out)


if __name__ == "__main__":
    sys.exit(main())
