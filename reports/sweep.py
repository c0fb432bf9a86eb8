"""The benchmarks on other releases and other Pythons, each in an environment thrown away after.

    python -m reports.sweep [--with REQUIREMENT ...] [--python PYTHON ...]
                            [-- options of benchmarks]

Runs `python -m benchmarks` with these options on the lock as it stands; with --with also on the
lock moved to the requirements; and all of that again for each --python (a version or a path). Each
run's tables are printed, its record and the files of its groups are kept in reports/out/sweep.

Counts are compared. Where the libraries are the same they must be equal on every Python, the Python
calls aside, which each version counts in its own way: a difference is a failure. Other releases
may count otherwise: what differs is named, and judged by nobody here (`nox -s gate` judges).
Clocks are not compared: these runs share no moment and no CPU.

Exit codes: 0 pass, 1 counts differ where they must not, 2 usage error, 4 not everything ran.
"""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from reports import interpreters, load, processes, requirements, session
from reports.counts import Counts, counts_of, differences
from reports.environments import Builder, EnvironmentUnavailableError
from reports.load import UnusableFileError
from reports.processes import terminating_like_interrupt
from reports.schema import Figure, SessionRecord, Verdict
from reports.session import UsageError

NAME = "sweep"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One environment: which Python, and what was asked for beside the lock."""

    python: str
    asked: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What files and lines call it."""
        words = [f"python{self.python}", *(each.replace("==", "-") for each in self.asked)]
        return "_".join("".join(c if c.isalnum() or c in ".-" else "-" for c in w) for w in words)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What a place said, and what it counted."""

    place: Place
    exit_code: int
    counts: Counts


def places(asked: Sequence[str], pythons: Sequence[str]) -> list[Place]:
    """The lock on this Python first, then everything else that was asked for."""
    found = []
    for python in dict.fromkeys([interpreters.here(), *pythons]):
        found.append(Place(python=python))
        if asked:
            found.append(Place(python=python, asked=tuple(asked)))
    return found


def run(place: Place, builder: Builder, options: Sequence[str], kept: Path) -> Ran:
    """Build the environment of a place, run the benchmarks in it, and read what they counted."""
    builder = replace(builder, python=interpreters.interpreter(place.python))
    lock = builder.lock_requirements()
    wanted = lock
    if place.asked:
        parsed = requirements.parse(place.asked, locked=requirements.pins(lock))
        wanted = builder.candidate_requirements(lock, parsed)
    built = builder.build(wanted)
    record = kept / f"{place.name}.json"
    print(f"\n== {place.name}", flush=True)
    command = [str(built.python), "-m", "benchmarks", "--out", str(record), *options]
    ended = subprocess.run(command, cwd=session.ROOT, env=processes.clean_environ(), check=False)
    files = [load.load(each) for each in sorted((kept / place.name).glob("*.json"))]
    return Ran(place=place, exit_code=ended.returncode, counts=counts_of(files))


def judged(ran: Sequence[Ran]) -> tuple[Verdict, str, dict[str, Figure]]:
    """Compare every place with the first one of the same libraries, and with the very first."""
    figures: dict[str, Figure] = {}
    words, verdict = [], Verdict.PASS
    for each in ran:
        figures[f"{each.place.name}.exit_code"] = each.exit_code
        if each.exit_code != 0:
            verdict = Verdict.INVALID
            words.append(f"{each.place.name} ended with {each.exit_code}")
    first = ran[0]
    equal_count = 0
    for each in ran[1:]:
        same_python = each.place.python == first.place.python
        found = list(differences(first.counts, each.counts, same_python=same_python))
        figures[f"{each.place.name}.differences"] = len(found)
        for line in found[:20]:
            print(f"{first.place.name} / {each.place.name}: {line}")
        if each.place.asked == first.place.asked and found:
            verdict = Verdict.FAIL
        equal_count += not found
        words.append(f"{each.place.name}: {len(found)} counts differ")
    cells = len(first.counts)
    return verdict, f"{len(ran)} environments, {cells} cells counted; {'; '.join(words)}", figures


def main(given: Sequence[str] | None = None) -> int:
    """Run the sweep; the last line says what came of it."""
    arguments = session.arguments(given)
    cut = arguments.index("--") if "--" in arguments else len(arguments)
    asked = session.parser(program="python -m reports.sweep", description=__doc__ or "")
    asked.add_argument("--with", action="append", default=[], dest="asked", metavar="REQUIREMENT")
    asked.add_argument("--python", action="append", default=[], metavar="PYTHON")
    out = session.OUT / f"{NAME}.json"
    figures: dict[str, Figure] = {}
    try:
        options = asked.parse_args(arguments[:cut])
        out = options.out
        kept = out.parent / out.stem
        kept.mkdir(parents=True, exist_ok=True)
        with (
            terminating_like_interrupt(),
            tempfile.TemporaryDirectory(prefix=".environments.", dir=kept) as scratch,
        ):
            builder = Builder(root=session.ROOT, cache=Path(scratch), pulse=_say)
            # Before the lock itself is measured, which takes minutes.
            requirements.parse(options.asked, locked=requirements.pins(builder.lock_requirements()))
            wanted = places(options.asked, options.python)
            for place in wanted:
                shutil.rmtree(kept / place.name, ignore_errors=True)
            ran = [run(each, builder, arguments[cut + 1 :], kept) for each in wanted]
        verdict, words, figures = judged(ran)
    except UsageError as error:
        verdict, words = Verdict.USAGE, str(error)
    except (EnvironmentUnavailableError, UnusableFileError, OSError) as error:
        verdict, words = Verdict.INVALID, str(error)
    except KeyboardInterrupt:
        verdict, words = Verdict.INVALID, "interrupted"
    record = SessionRecord(name=NAME, verdict=verdict, summary=words, figures=figures)
    code = session.finish(record, out)
    return 130 if words == "interrupted" else code


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
