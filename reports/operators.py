"""Mutation by operator over `fsmcore`: does anybody notice each small change of a line?

    python -m reports.operators [--module fsmcore/retry.py] [--sample N] [--minutes N]

mutmut changes one operator, constant or argument at a time in a copy below `mutants/`, and asks
what reaches the changed function: the tests of `fsmcore`, and the laws of single cases (both listed
in pyproject.toml). What it has asked it remembers there, by function, so a run that was ended goes
on, and one after a change asks only what the change touches. A survivor passes when
reports/survivors.toml says in writing why nobody can notice it; another one is a failure. A line
there that no survivor bears out any more is told as stale.

Exit codes: 0 pass, 1 fail (a survivor without a reason), 2 usage error, 3 unknown (mutants that
were chosen were not asked), 4 invalid (mutmut itself did not run).
"""

import argparse
import enum
import random
import re
import sys
import time
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import msgspec

from reports import session, terminal
from reports.processes import clean_environ, run, terminating_like_interrupt
from reports.progress import Progress
from reports.schema import Figure, SessionRecord, Verdict

INTERRUPTED = 130
PACKAGE = "fsmcore"
HOME = "mutants"
TRIAGE = Path(__file__).with_name("survivors.toml")
MAKING_LIMIT_S = 1800.0
SHOWING_LIMIT_S = 120.0
NOBODY = f"{PACKAGE}.nobody.*"
"""A pattern that no mutant fits: all are made, the tests are timed, and none is asked."""
MADE = f"nothing matches\n\nFilter: ('{NOBODY}',)"
"""What mutmut says when it has made them all, and is left to complain of the pattern."""

_MUTMUT = """
from mutmut.core import MutmutCallStack as calls
calls.get, calls.set, calls.reset = lambda: (None, 0), lambda value: None, lambda token: None
from mutmut.__main__ import cli
cli(prog_name="mutmut")
"""
"""mutmut without its record of who calls whom, which only saves asking again after a change.

It is a context variable that each call sets. With connections whose threads come and go, CPython
3.11 hands back other objects for its value or crashes (mutmut 3.8.1, two of three runs).
"""

Change = tuple[str, str, str]
"""The function, and its line before and after, without indentation."""


class Fate(enum.Enum):
    """What became of one mutant."""

    KILLED = "killed"
    TIMEOUT = "ran over"
    SURVIVED = "survived"
    UNREACHED = "reached by no test"
    UNSURE = "neither killed nor alive"
    NOT_ASKED = "not asked"


ALIVE = frozenset({Fate.SURVIVED, Fate.UNREACHED})

# The exit codes of pytest, and mutmut's own; a killed worker has the number of its signal.
_FATES = {
    1: Fate.KILLED,
    3: Fate.KILLED,
    0: Fate.SURVIVED,
    5: Fate.UNREACHED,
    33: Fate.UNREACHED,
    24: Fate.TIMEOUT,
    36: Fate.TIMEOUT,
    -24: Fate.TIMEOUT,
    152: Fate.TIMEOUT,
    255: Fate.TIMEOUT,
    None: Fate.NOT_ASKED,
}


class Survivor(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A change that nobody notices, and why that is right.

    Named by the line and not by the number that mutmut gives it, which changes with the file.
    """

    function: str
    was: str
    became: str
    why: str


class _Triage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    survivor: list[Survivor]


def triage(path: Path = TRIAGE) -> dict[Change, Survivor]:
    """Return the reasons in writing, by change. Raises ``msgspec.ValidationError``."""
    listed = msgspec.convert(tomllib.loads(path.read_text("utf-8")), _Triage).survivor
    return {(each.function, each.was, each.became): each for each in listed}


def fates(home: Path) -> dict[str, Fate]:
    """Return what mutmut remembers of each mutant that it has made."""
    found: dict[str, Fate] = {}
    for path in sorted(home.glob("**/*.meta")):
        codes = msgspec.json.decode(path.read_bytes(), type=dict[str, object])["exit_code_by_key"]
        known = msgspec.convert(codes, dict[str, int | None])
        found |= {name: _FATES.get(code, Fate.UNSURE) for name, code in known.items()}
    return found


def function_of(mutant: str) -> str:
    """Turn `fsmcore.retry.xǁRetryPolicyǁwait__mutmut_3` into `fsmcore.retry: RetryPolicy.wait`."""
    module, _, mangled = mutant.rpartition(".")
    name = re.sub(r"__mutmut_\d+$", "", mangled).removeprefix("x")
    name = name.strip("ǁ").replace("ǁ", ".") if name.startswith("ǁ") else name.removeprefix("_")
    return f"{module}: {name}"


def change_of(mutant: str, shown: str) -> Change:
    """Return a mutant's change, from the difference that mutmut shows."""
    lines = [line for line in shown.splitlines() if not line.startswith(("---", "+++"))]
    was = [line[1:].strip() for line in lines if line.startswith("-")]
    became = [line[1:].strip() for line in lines if line.startswith("+")]
    return function_of(mutant), " ".join(was), " ".join(became)


def module_of(given: str) -> str:
    """Return the dotted name of `fsmcore/retry.py`, `fsmcore.retry` or `retry`."""
    dotted = given.removesuffix(".py").replace("/", ".")
    return dotted if dotted.startswith(f"{PACKAGE}.") else f"{PACKAGE}.{dotted}"


def chosen(
    names: Iterable[str], modules: Sequence[str], sample: int | None, seed: int
) -> list[str]:
    """Return the mutants to ask: of these modules, at most `sample` of each, drawn by the seed.

    Raises ``UsageError`` for a module of which there is no mutant.
    """
    by_module: dict[str, list[str]] = {}
    for name in sorted(names):
        by_module.setdefault(name.rpartition(".")[0], []).append(name)
    wanted = [module_of(each) for each in modules] or list(by_module)
    for module in wanted:
        if module not in by_module:
            raise session.UsageError(f"no mutant is in {module!r}; there are {list(by_module)}.")
    draw = random.Random(seed)
    found: list[str] = []
    for module in wanted:
        each = by_module[module]
        found += (
            each if sample is None or sample >= len(each) else sorted(draw.sample(each, sample))
        )
    return found


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict, who survives for no reason that is written down, and which reasons are stale."""

    verdict: Verdict
    without_reason: list[str]
    stale: list[Survivor]


def judge(
    asked: Mapping[str, Fate],
    changes: Mapping[str, Change],
    reasons: Mapping[Change, Survivor],
    *,
    is_sample: bool,
) -> Judgement:
    """Hold the survivors against the reasons. ``changes`` are those of the mutants alive."""
    without = [name for name, change in changes.items() if change not in reasons]
    undecided = {name for name, fate in asked.items() if fate in {Fate.NOT_ASKED, Fate.UNSURE}}
    whole = set() if is_sample else {name.rpartition(".")[0] for name in asked}
    whole -= {name.rpartition(".")[0] for name in undecided}
    alive = set(changes.values())
    stale = [
        each
        for change, each in reasons.items()
        if each.function.partition(":")[0] in whole and change not in alive
    ]
    if without:
        verdict = Verdict.FAIL
    else:
        verdict = Verdict.UNKNOWN if undecided or not asked else Verdict.PASS
    return Judgement(verdict=verdict, without_reason=without, stale=stale)


def _mutmut(words: Sequence[str], progress: Progress, what: str, limit_s: float) -> tuple[int, str]:
    """Run mutmut in the checkout; return its exit code (-1: at its limit), and what it printed."""
    log = session.ROOT / HOME / f"{what}.log"
    log.parent.mkdir(exist_ok=True)
    ended = run(
        [sys.executable, "-c", _MUTMUT, *words],
        folder=session.ROOT,
        environ=clean_environ(PYTHONNOUSERSITE="1"),
        log=log,
        limit_s=limit_s,
        pulse=lambda text: progress.pulse(f"{what}: {text.rpartition(chr(13))[2]}"),
    )
    code = -1 if ended.exit_code is None else ended.exit_code
    return code, log.read_text("utf-8", "replace")


def has_made(exit_code: int, told: str) -> bool:
    """Whether mutmut came to the end of making: it then fails for want of a mutant to ask."""
    return exit_code == 1 and MADE in told


def _session(options: argparse.Namespace) -> int:
    home, began_s = session.ROOT / HOME, time.monotonic()
    progress = Progress(terminal.console())
    reasons = triage()
    with terminating_like_interrupt(), progress:
        code, told = _mutmut(["run", NOBODY], progress, "making", MAKING_LIMIT_S)
        found = fates(home)
        if not has_made(code, told) or not found:  # what it remembers may be of other code
            print(told[-2000:], file=sys.stderr)
            print(f"operators: invalid: mutmut made no mutants (exit code {code})", flush=True)
            return Verdict.INVALID.exit_code
        names = chosen(found, options.module, options.sample, options.seed)
        due = [name for name in names if found[name] is Fate.NOT_ASKED]
        progress.say(f"{len(found)} mutants, {len(names)} chosen, {len(due)} to be asked")
        if due:
            words = ["run", "--max-children", str(options.jobs), *due]
            _mutmut(words, progress, "asking", 60 * options.minutes)
            found = fates(home)
        asked = {name: found[name] for name in names}
        changes = {
            name: change_of(name, _mutmut(["show", name], progress, "showing", SHOWING_LIMIT_S)[1])
            for name in names
            if found[name] in ALIVE
        }
    judgement = judge(asked, changes, reasons, is_sample=options.sample is not None)
    count = Counter(asked.values())
    figures: dict[str, Figure] = {each.value: count[each] for each in Fate if count[each]}
    told_of = ", ".join(f"{number} {what}" for what, number in figures.items())
    record = SessionRecord(
        name="operators",
        verdict=judgement.verdict,
        summary=f"{len(asked)} of {len(found)} mutants: {told_of}; "
        f"{len(judgement.without_reason)} survive without a reason, {len(judgement.stale)} reasons "
        f"are stale",
        figures=figures
        | {"made": len(found), "seed": options.seed}
        | {"elapsed_s": round(time.monotonic() - began_s, 1)}
        | {f"survivor {name}": " -> ".join(change) for name, change in changes.items()},
    )

    def show() -> None:
        for name in judgement.without_reason:
            function, was, became = changes[name]
            print(f"{function}: nobody notices ({name})\n  - {was}\n  + {became}")
        for each in judgement.stale:
            print(
                f"{each.function}: stale in {TRIAGE.name}, no survivor is like this\n  - {each.was}"
            )

    return session.finish(record, options.out, show=show)


def build_parser() -> session.Parser:
    """The command line."""
    description, _, rest = (__doc__ or "").partition("\n\n")
    made = session.parser(program="python -m reports.operators", description=description)
    made.epilog = rest.partition("\n\n")[2]
    made.add_argument(
        "--module", action="append", default=[], metavar="FILE", help="only this: fsmcore/retry.py"
    )
    made.add_argument("--sample", type=int, metavar="N", help="at most so many of each module")
    made.add_argument("--minutes", type=float, default=480.0, help="of asking (default: 480)")
    made.add_argument("--jobs", type=int, default=2, metavar="N", help="workers (default: 2)")
    made.add_argument("--seed", type=int, default=1, help="of the sample (default: 1)")
    return made


def main(given: Sequence[str] | None = None) -> int:
    """Run the session and return its exit code."""
    try:
        options = build_parser().parse_args(session.arguments(given))
        if options.minutes <= 0 or options.jobs < 1 or (options.sample or 1) < 1:
            raise session.UsageError("--minutes, --jobs and --sample are above 0.")
        return _session(options)
    except session.UsageError as error:
        print(error, file=sys.stderr)
        print("operators: usage: nothing was asked", flush=True)
        return Verdict.USAGE.exit_code
    except KeyboardInterrupt:
        print("operators: invalid: interrupted; what was asked is remembered", flush=True)
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
