"""Changes that somebody has looked at and accepted, read from `accepted.toml`.

A line names one law, behaviour or benchmark, the release that changes it, why that is all right,
and until when. It covers nothing else: a law that fails in another way, a benchmark that exceeds
its bound, another release or a day later fails as if there were no line. A line that was not
needed, or has expired, is reported, so that the ledger does not grow into an amnesty.

Choices: a line holds only where its package is what changed (the releases of both sides differ),
because nothing else can be the reason. No line covers a promise of our own machine: what is
promised is not a matter of acceptance, and belongs into the promise itself.
"""

import datetime
import fnmatch
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name

from reports import session
from reports.load import short_name
from reports.schema import (
    NEXT_FAILURE,
    AcceptedKind,
    AcceptedLine,
    AcceptedState,
    BehaviourChange,
    BenchmarkComparison,
    BenchmarkOutcome,
    LawComparison,
    LawKind,
    LawOutcome,
    VersionChange,
)
from reports.session import UsageError

FILE_NAME = "accepted.toml"
UNPLAYED = "unplayed"
HEADER = re.compile(r"\s*\[\[\s*accepted\s*\]\]")
ADVICE = "The head of reports/accepted.toml shows what a line looks like."


class _Line(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    kind: AcceptedKind
    name: str
    package: str
    versions: str
    reason: str
    expires: datetime.date
    bound: float | None = None
    shows: str | None = None
    source: str | None = None


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    accepted: list[_Line] = []


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One accepted change; `place` is its file and line number."""

    place: str
    kind: AcceptedKind
    name: str
    package: str
    versions: SpecifierSet
    reason: str
    expires: datetime.date
    bound: float | None
    shows: str | None
    source: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """What the ledger says of one change: the line that names it, and why it does not hold."""

    line: Line
    refusal: str | None

    @property
    def text(self) -> str:
        """One clause for a sentence about the change."""
        if self.refusal is None:
            return f"accepted by {self.line.place}: {self.line.reason}"
        return f"{self.line.place} does not cover it: {self.refusal}"


def default_path() -> Path:
    """The ledger of this checkout."""
    return session.ROOT / "reports" / FILE_NAME


def read(path: Path | None = None) -> list[Line]:
    """Read every line, or say which one is wrong and what to do.

    Without `path` the checkout's own ledger is read; where there is none, nothing is accepted.
    """
    chosen = default_path() if path is None else path
    where = session.shown(chosen)
    try:
        text = chosen.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        if path is None:
            return []
        raise UsageError(f"{where}: no such file. Name a ledger that is there.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{where}: cannot be read ({error}). {ADVICE}") from error
    places = [
        f"{where}:{number}" for number, row in enumerate(text.splitlines(), 1) if HEADER.match(row)
    ]
    try:
        content = msgspec.toml.decode(text, type=_File)
    except msgspec.ValidationError as error:
        raise UsageError(f"{_located(str(error), places, where)}. {ADVICE}") from error
    except msgspec.DecodeError as error:
        raise UsageError(f"{where}: no TOML ({error}). {ADVICE}") from error
    lines: list[Line] = []
    for index, each in enumerate(content.accepted):
        place = places[index] if len(places) == len(content.accepted) else f"{where}, {index + 1}."
        lines.append(_checked(each, place))
    _refuse_twins(lines)
    return lines


def _located(said: str, places: Sequence[str], where: str) -> str:
    """msgspec's message with the line instead of its path into the document."""
    found = re.search(r"- at `\$\.accepted\[(\d+)\](?:\.(\w+))?", said)
    words = said.partition(" - at ")[0].replace("Object ", "").replace("`", "")
    if found is None or int(found[1]) >= len(places):
        return f"{where}: {words}"
    about = f"{found[2]}: " if found[2] else ""
    return f"{places[int(found[1])]}: {about}{words}"


def _checked(each: _Line, place: str) -> Line:
    def refuse(what: str) -> UsageError:
        return UsageError(f"{place}: {what}. {ADVICE}")

    for name in ("name", "package", "versions", "reason"):
        if not getattr(each, name).strip():
            raise refuse(f"{name} is empty")
    try:
        versions = SpecifierSet(each.versions, prereleases=True)
    except InvalidSpecifier as error:
        raise refuse(
            f"versions = {each.versions!r} is no set of releases (as >=3.0,<3.3)"
        ) from error
    has_bound = each.kind is not AcceptedKind.LAW
    if each.kind is AcceptedKind.BENCHMARK and each.bound is None:
        raise refuse("a benchmark needs a bound: the largest accepted ratio, as 1.7")
    if each.bound is not None and not has_bound:
        raise refuse("a law has no bound: it holds or it does not")
    if each.bound is not None and not (math.isfinite(each.bound) and each.bound > 1):
        raise refuse(f"bound = {each.bound} is no ratio above 1")
    if each.kind is AcceptedKind.LAW and not (each.shows or "").strip():
        raise refuse(
            "a law needs `shows`: words that its failure must contain, as it may fail anew"
        )
    if not (each.source or "https://").startswith("https://"):
        raise refuse(f"source = {each.source!r} is no address (https://…)")
    if each.kind is AcceptedKind.LAW and each.source is None:
        raise refuse("a law needs a source: where its makers say that they changed it")
    if each.kind is AcceptedKind.BENCHMARK and each.shows is not None:
        raise refuse("a benchmark shows nothing but its ratio: take `shows` out")
    return Line(
        place=place,
        kind=each.kind,
        name=each.name.strip(),
        package=canonicalize_name(each.package),
        versions=versions,
        reason=each.reason.strip(),
        expires=each.expires,
        bound=each.bound,
        shows=each.shows,
        source=each.source,
    )


def _refuse_twins(lines: Sequence[Line]) -> None:
    seen: dict[tuple[object, ...], Line] = {}
    for line in lines:
        key = (line.kind, line.name, line.package, line.versions, line.shows)
        if key in seen:
            raise UsageError(
                f"{line.place}: says the same as {seen[key].place}. Take one of them out."
            )
        seen[key] = line


@dataclass(kw_only=True)
class Ledger:
    """The lines held against one upgrade; remembers which of them were needed, and which judged."""

    lines: Sequence[Line]
    changes: Sequence[VersionChange]
    today: datetime.date
    _used: set[str] = field(default_factory=set)
    _refused: set[str] = field(default_factory=set)
    _needless: set[str] = field(default_factory=set)

    def law(self, row: LawComparison) -> Ruling | None:
        """The ruling on a law that fails anew or otherwise; for others its lines are needless."""

        def refusal(line: Line) -> str | None:
            if row.kind is LawKind.MACHINE:
                return "a promise of the machine cannot be accepted away; change the promise"
            failures = (row.failure or "").split(f"\n{NEXT_FAILURE}")
            if line.shows is not None and not all(line.shows in each for each in failures):
                which = "the failure" if len(failures) == 1 else "one of its failures"
                return f"{which} does not show {line.shows!r}"
            return None

        named = self._naming(AcceptedKind.LAW, {row.law, row.law.partition(" [")[0]})
        if row.outcome not in {LawOutcome.NEW_FAILURE, LawOutcome.FAILS_OTHERWISE}:
            self._not_needed(named, row.outcome not in {LawOutcome.UNKNOWN, LawOutcome.NOT_ASKED})
            return None
        return self._rule(named, refusal)

    def benchmark(self, row: BenchmarkComparison, *, is_needed: bool) -> Ruling | None:
        """The ruling on a benchmark that cannot pass by itself."""

        def refusal(line: Line) -> str | None:
            bound = line.bound or 1.0
            if row.ratio_high is None:
                return "there is no interval"
            if row.ratio_high >= bound:
                return f"the interval reaches {row.ratio_high:.3f}, accepted is below {bound:g}"
            return None

        named = self._naming(AcceptedKind.BENCHMARK, {row.name, short_name(row.name)})
        if not is_needed:
            self._not_needed(named, row.outcome is not BenchmarkOutcome.UNKNOWN)
            return None
        return self._rule(named, refusal)

    def behaviour(self, change: BehaviourChange) -> Ruling | None:
        """The ruling on one change of behaviour: it is covered only where each of its places is."""
        rulings = [self._at_one_place(change, name) for name in change.names or [change.name]]
        for name, ruling in zip(change.names, rulings, strict=False):
            if ruling is None and any(rulings):
                first = next(filter(None, rulings))
                return Ruling(line=first.line, refusal=f"it shows as {name} too")
        return next((each for each in rulings if each and each.refusal), rulings[0])

    def _at_one_place(self, change: BehaviourChange, name: str) -> Ruling | None:

        def refusal(line: Line) -> str | None:
            if line.shows is not None and line.shows not in change.sentence:
                return f"the change does not show {line.shows!r}"
            if change.ratio is not None and line.bound is None:
                return "a count needs a bound"
            if change.ratio is not None and line.bound is not None and change.ratio > line.bound:
                return f"it is {change.ratio:.3f} times as many, accepted are {line.bound:g}"
            return None

        behind = [each for each in self._relevant() if each.kind is AcceptedKind.BEHAVIOUR]
        # One change of a library shows in many scenes: here a name may hold * and ?. That a scene
        # cannot be played any more hides whatever else would have shown there.
        is_wild = change.kind != UNPLAYED
        named = [
            each
            for each in behind
            if each.name == name or (is_wild and fnmatch.fnmatchcase(name, each.name))
        ]
        return self._rule(named, refusal)

    def behaviour_was_judged(self) -> None:
        """All behaviour was compared, so lines on behaviour that were not met are needless."""
        behind = [each for each in self._relevant() if each.kind is AcceptedKind.BEHAVIOUR]
        self._not_needed([each for each in behind if each.place not in self._refused], True)

    def records(self) -> list[AcceptedLine]:
        """Every line with what became of it."""
        return [
            AcceptedLine(
                place=line.place,
                kind=line.kind,
                name=line.name,
                package=line.package,
                versions=str(line.versions),
                reason=line.reason,
                expires=line.expires.isoformat(),
                bound=line.bound,
                source=line.source,
                state=self._state(line),
            )
            for line in self.lines
        ]

    def _state(self, line: Line) -> AcceptedState:
        if line.expires < self.today:
            return AcceptedState.EXPIRED
        if line.place in self._used:
            return AcceptedState.USED
        if line.place in self._refused:
            return AcceptedState.REFUSED
        if line.place in self._needless:
            return AcceptedState.UNUSED
        return AcceptedState.NOT_ASKED

    def _rule(self, named: Sequence[Line], refusal: Callable[[Line], str | None]) -> Ruling | None:
        rulings = [
            Ruling(line=line, refusal=self._expired(line) or refusal(line)) for line in named
        ]
        covering = next((each for each in rulings if each.refusal is None), None)
        if covering is not None:
            self._used.add(covering.line.place)
            return covering
        self._refused |= {each.line.place for each in rulings}
        return rulings[0] if rulings else None

    def _expired(self, line: Line) -> str | None:
        return f"it expired on {line.expires}" if line.expires < self.today else None

    def _naming(self, kind: AcceptedKind, names: set[str]) -> list[Line]:
        return [each for each in self._relevant() if each.kind is kind and each.name in names]

    def _relevant(self) -> list[Line]:
        moved = {row.name: row.candidate for row in self.changes if row.baseline != row.candidate}
        return [line for line in self.lines if _covers(line, moved.get(line.package))]

    def _not_needed(self, lines: Sequence[Line], was_judged: bool) -> None:
        if was_judged:
            self._needless |= {each.place for each in lines}


def _covers(line: Line, release: str | None) -> bool:
    return release is not None and line.versions.contains(release)


def accept_laws(ledger: Ledger, rows: Sequence[LawComparison]) -> list[LawComparison]:
    """The laws, those that newly fail with what the ledger says of them."""
    ruled = []
    for row in rows:
        ruling = ledger.law(row)
        ruled.append(row if ruling is None else msgspec.structs.replace(row, **_words(ruling)))
    return ruled


def _words(ruling: Ruling) -> Mapping[str, str]:
    return {"accepted" if ruling.refusal is None else "reason": ruling.text}
