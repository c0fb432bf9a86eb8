"""Which release changed it? Between two releases of one library, law by law and change by change.

    python -m reports.bisect PACKAGE FIRST LAST [--law [NAME …]] [--behaviour [NAME …]]
                             [--benchmark [NAME …]]          e.g. aiosqlite 0.19.0 0.22.1

FIRST and LAST are compared as the gate compares: by all laws, by their behaviour, by the clocks.
Whatever differs is looked for between them by halving, each in at most log2 of their number of
steps; all else in an environment is what the lock says. A slower release is timed against both of
its neighbours too. With an option only that kind is asked about, and of it only what is named.

Answers are kept until everything is told, so the same command goes on where it was stopped.

Exit codes: 0 pass (each change has its release, or nothing differs), 2 usage error, 3 unknown (a
change has no single release, or something could not be asked), 4 invalid, 130 interrupted.
"""

import argparse
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence

from packaging.utils import canonicalize_name
from packaging.version import Version

from reports import releases, requirements, session, terminal
from reports.documents import told
from reports.documents.upgrades import interval
from reports.environments import Builder, EnvironmentUnavailableError
from reports.halving import Boundary, boundary
from reports.probing import NothingKnownError, Prober
from reports.processes import terminating_like_interrupt
from reports.progress import Progress
from reports.schema import (
    BenchmarkComparison,
    BenchmarkOutcome,
    BisectRecord,
    LawRecord,
    LawVerdict,
    Turned,
    TurnedKind,
    Verdict,
)
from reports.session import UsageError

INTERRUPTED = 130
SEEN = (LawVerdict.PASS, LawVerdict.FAIL)
SAME = (BenchmarkOutcome.WITHIN_TOLERANCE, BenchmarkOutcome.FASTER, BenchmarkOutcome.REGRESSED)
MOVED = (BenchmarkOutcome.FASTER, BenchmarkOutcome.REGRESSED)


class Bisection:
    """Looks along the releases, the oldest first; what could not be compared is a problem."""

    def __init__(self, prober: Prober, line: Sequence[Version], progress: Progress) -> None:
        self.prober = prober
        self.line = line
        self.progress = progress
        self.problems: list[str] = []

    def laws(self, names: Sequence[str]) -> list[Turned]:
        """Every law whose verdict differs between the ends."""
        before = self.prober.laws(self.line[0], names)
        after = self.prober.laws(self.line[-1], names)
        turned = {
            name: law
            for name, law in before.items()
            if name in after
            and law.verdict in SEEN
            and after[name].verdict in SEEN
            and law.verdict is not after[name].verdict
        }
        for release, found in ((self.line[0], before), (self.line[-1], after)):
            silent = [name for name in before | after if _is_silent(found.get(name))]
            self.problems += [f"{name} is unknown at {release}" for name in silent]
        asked = sorted({law.law for law in turned.values()})

        def verdict(place: int, name: str) -> bool | None:
            found = self.prober.laws(self.line[place], asked).get(name)
            if found is None or found.verdict not in SEEN:
                return None
            return found.verdict is not before[name].verdict

        return [
            self._turned(
                TurnedKind.LAW,
                name,
                f"{law.verdict.value} -> {after[name].verdict.value}: {law.sentence}",
                self._boundary(name, verdict),
            )
            for name, law in turned.items()
        ]

    def behaviour(self, names: Sequence[str]) -> list[Turned]:
        """Every change of behaviour between the ends."""
        found = {each.name: each for each in self.prober.changes(self.line[0], self.line[-1])}
        chosen = _chosen(found, names, "change of behaviour")

        def is_there(place: int, name: str) -> bool:
            changes = self.prober.changes(self.line[0], self.line[place])
            return any(each.name == name for each in changes)

        return [
            self._turned(
                TurnedKind.BEHAVIOUR, name, found[name].sentence, self._boundary(name, is_there)
            )
            for name in chosen
        ]

    def benchmarks(self, names: Sequence[str]) -> list[Turned]:
        """Every benchmark that regressed or got faster between the ends, with its neighbours."""
        ends = self.prober.clocks(self.line[0], self.line[-1], names)
        wanted = _chosen(ends, names, "benchmark")
        chosen = [name for name in wanted if ends[name].outcome in MOVED]
        self.problems += [
            f"{name} is {ends[name].outcome.value} between the ends, {_ratio(ends[name])}"
            for name in wanted
            if ends[name].outcome not in SAME
        ]

        def moved(place: int, name: str) -> bool | None:
            found = self.prober.clocks(self.line[0], self.line[place], chosen).get(name)
            if found is None or found.outcome not in SAME:
                return None
            return found.outcome is ends[name].outcome

        turned = []
        for name in chosen:
            place = self._boundary(name, moved)
            words, holds = self._neighbours(name, place, ends[name].outcome)
            turned.append(
                self._turned(
                    TurnedKind.BENCHMARK, name, _ratio(ends[name]), place, words, is_confirmed=holds
                )
            )
        return turned

    def _boundary(self, name: str, ask: Callable[[int, str], bool | None]) -> Boundary:
        def differs(place: int) -> bool | None:
            self.progress.at(f"{name}: {self.line[place]}")
            try:
                return ask(place, name)
            except NothingKnownError:
                return None

        found = boundary(len(self.line), differs)
        self.progress.say(f"{name}: turned at {self.line[found.changed]}")
        return found

    def _neighbours(
        self, name: str, place: Boundary, outcome: BenchmarkOutcome
    ) -> tuple[str, bool]:
        """What the first changed release shows over the one before it, and the next one over it."""
        told, holds = [], False
        for first, second in ((place.same, place.changed), (place.changed, place.changed + 1)):
            if second == len(self.line):
                continue
            older, newer = self.line[first], self.line[second]
            self.progress.at(f"{name}: {newer} over {older}")
            try:
                row = self.prober.clocks(older, newer, [name])[name]
            except (NothingKnownError, KeyError) as error:
                told.append(f"{newer} over {older} could not be timed ({error})")
                continue
            told.append(f"{newer} over {older}: {_ratio(row)}, {row.outcome.value}")
            holds = holds or (first == place.same and row.outcome is outcome)
        return "; ".join(told), holds

    def _turned(
        self,
        kind: TurnedKind,
        name: str,
        what: str,
        place: Boundary,
        confirmation: str | None = None,
        *,
        is_confirmed: bool = True,
    ) -> Turned:
        return Turned(
            kind=kind,
            name=name,
            what=what,
            last_same=str(self.line[place.same]),
            first_changed=str(self.line[place.changed]),
            asked_count=place.asked_count,
            unknown=[str(self.line[each]) for each in place.unknown],
            confirmation=confirmation,
            is_confirmed=is_confirmed,
        )

    def all(self, chosen: Mapping[TurnedKind, Sequence[str]]) -> list[Turned]:
        """Everything of the chosen kinds; a kind that the ends cannot be asked is a problem."""
        ask: dict[TurnedKind, Callable[[Sequence[str]], list[Turned]]] = {
            TurnedKind.LAW: self.laws,
            TurnedKind.BEHAVIOUR: self.behaviour,
            TurnedKind.BENCHMARK: self.benchmarks,
        }
        turned: list[Turned] = []
        for kind, names in chosen.items():
            self.progress.at(f"{kind.value}: {self.line[0]} and {self.line[-1]}")
            try:
                turned += ask[kind](names)
            except NothingKnownError as error:
                self.problems.append(f"{kind.value}: the ends could not be compared: {error}")
        return turned


def _is_silent(law: LawRecord | None) -> bool:
    return law is None or law.verdict is LawVerdict.UNKNOWN


def _chosen(found: Iterable[str], names: Sequence[str], what: str) -> list[str]:
    known = list(found)
    for name in names:
        if name not in known:
            raise UsageError(
                f"no {what} is named {name!r} between these releases. "
                f"There are: {', '.join(known) or 'none'}."
            )
    return list(names) or known


def _ratio(row: BenchmarkComparison) -> str:
    return f"{row.ratio:.3f} times as long ({interval(row)})"


def conclude(
    package: str, line: Sequence[Version], seed: int, turned: list[Turned], problems: Sequence[str]
) -> BisectRecord:
    """Whether each change has its release."""
    vague = [each for each in turned if each.unknown or not each.is_confirmed]
    at = {each.first_changed for each in turned}
    told = [f"{len(turned)} changes at {len(at)} of {len(line)} releases of {package}"]
    told += [f"{len(vague)} without a single release"] if vague else []
    order = {str(each): place for place, each in enumerate(line)}
    return BisectRecord(
        name="bisect",
        verdict=Verdict.UNKNOWN if vague or problems else Verdict.PASS,
        summary="; ".join([", ".join(told), *problems]),
        figures={
            "changes": len(turned),
            "releases": len(line),
            "asked_most": max((each.asked_count for each in turned), default=0),
        },
        package=package,
        releases=[str(each) for each in line],
        seed=seed,
        turned=sorted(turned, key=lambda each: order[each.first_changed]),
    )


def build_parser() -> session.Parser:
    """The command line."""
    description, _, rest = (__doc__ or "").partition("\n\n")
    made = session.parser(program="python -m reports.bisect", description=description)
    made.epilog = rest.partition("\n\n")[2]
    made.add_argument("package", metavar="PACKAGE")
    made.add_argument("first", metavar="FIRST", help="the older release")
    made.add_argument("last", metavar="LAST", help="the newer release")
    for kind in TurnedKind:
        made.add_argument(
            f"--{kind.value}", nargs="*", metavar="NAME", help=f"only this {kind.value}; all, bare"
        )
    made.add_argument("--pre", action="store_true", help="ask pre-releases too")
    made.add_argument("--seed", type=int, default=1, help="for the draws (default: 1)")
    made.add_argument(
        "--clocks",
        type=float,
        default=60.0,
        metavar="SECONDS",
        help="for each comparison of two releases by their clocks (default: 60)",
    )
    return made


def _run(options: argparse.Namespace) -> int:
    if not 0 <= options.seed < 2**32:
        raise UsageError("a seed lies between 0 and 2**32 - 1.")
    if not 0 < options.clocks < 1e6:
        raise UsageError("--clocks takes a positive number of seconds.")
    first, last = releases.version(options.first), releases.version(options.last)
    named = {kind: getattr(options, kind.value) for kind in TurnedKind}
    chosen = {kind: names for kind, names in named.items() if names is not None}
    progress = Progress(terminal.console())
    builder = Builder(
        root=session.ROOT,
        cache=session.ROOT / ".gate",
        pulse=progress.within("uv"),
        is_compiled=not chosen or TurnedKind.BENCHMARK in chosen,
    )
    package = canonicalize_name(options.package)
    with terminating_like_interrupt(), progress:
        prober = Prober(
            package=package,
            builder=builder,
            seed=options.seed,
            progress=progress,
            clocks_s=options.clocks,
        )
        requirements.parse([f"{package}=={last}"], locked=requirements.pins(prober.lock))
        line = releases.between(builder, package, first, last, prereleases=options.pre)
        progress.say(f"{len(line)} releases: {', '.join(map(str, line))}")
        bisection = Bisection(prober, line, progress)
        turned = bisection.all(chosen or dict.fromkeys(TurnedKind, ()))
    record = conclude(package, line, options.seed, turned, bisection.problems)
    code = session.finish(record, options.out, show=lambda: terminal.show(told(record)))
    prober.forget()
    return code


def main(given: Sequence[str] | None = None) -> int:
    """Run the session and return its exit code."""
    try:
        return _run(build_parser().parse_args(session.arguments(given)))
    except UsageError as error:
        print(error, file=sys.stderr)
        print("bisect: usage: nothing was asked", flush=True)
        return Verdict.USAGE.exit_code
    except EnvironmentUnavailableError as error:
        print(error, file=sys.stderr)
        print("bisect: invalid: nothing was judged", flush=True)
        return Verdict.INVALID.exit_code
    except KeyboardInterrupt:
        print("bisect: invalid: interrupted; the same command goes on from here", flush=True)
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
