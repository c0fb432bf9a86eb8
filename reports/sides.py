"""What stands on the two sides of a gate: an environment each, and what differs between them."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from packaging.requirements import Requirement

from reports import evidence, requirements
from reports.environments import Builder, BuiltEnvironment
from reports.kept import Kept
from reports.pairs import Side
from reports.schema import VersionChange


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """Both environments, the requirements that were asked about, and every change between them."""

    built: Mapping[Side, BuiltEnvironment]
    asked: Mapping[str, Requirement]
    sqlite: str | None
    """The candidate's, if that was asked about."""
    changes: Sequence[VersionChange]

    @property
    def is_about_sqlite(self) -> bool:
        """Whether the two stand on different SQLites."""
        return self.differ(requirements.SQLITE)

    def differ(self, name: str) -> bool:
        """Whether a library, or SQLite, is not the same on both sides."""
        return name in _differing(self.changes)

    @property
    def controls(self) -> frozenset[str]:
        """See ``controls_of``."""
        return controls_of(self.changes)

    def questions(self) -> list[str]:
        """What was asked, as requirements."""
        sqlite = [] if self.sqlite is None else [f"{requirements.SQLITE}=={self.sqlite}"]
        return [*sqlite, *map(str, self.asked.values())]


def controls_of(changes: Sequence[VersionChange]) -> frozenset[str]:
    """The benchmarks that none of these changes can touch; a run without one is never a pass.

    The usual one is SQLite alone. Under another SQLite it is the machine, which has no database.
    """
    differing = _differing(changes)
    if requirements.SQLITE not in differing:
        return frozenset({"control"})
    return frozenset() if "python-statemachine" in differing else frozenset({"bare_machine"})


def _differing(changes: Sequence[VersionChange]) -> set[str]:
    return {row.name for row in changes if row.baseline != row.candidate}


def build(home: Kept, builder: Builder, say: Callable[[str], None]) -> Sides:
    """Build what the question says; the requirements of a gate that goes on are those it had."""
    question = home.question
    lock = builder.lock_requirements()
    locked = requirements.pins(lock)
    names, sqlite = requirements.split_sqlite(question.requirements)
    asked = requirements.parse(names, locked=locked)
    names, sqlite_before = requirements.split_sqlite(question.baseline)
    before = requirements.baseline(names, locked=locked)
    theirs = requirements.needed_by(question.beside)

    def of_baseline() -> str:
        is_other = before or theirs
        return builder.candidate_requirements(lock, before, theirs) if is_other else lock

    def of_candidate() -> str:
        # What the baseline was asked to be, this is too, unless it is asked otherwise.
        text = wanted[Side.BASELINE]
        moved = before | asked
        return builder.candidate_requirements(text, moved, theirs) if asked else text

    wanted = {Side.BASELINE: home.text("baseline.txt", of_baseline)}
    wanted[Side.CANDIDATE] = home.text("candidate.txt", of_candidate)
    sqlites: dict[Side, str | None] = dict.fromkeys(Side)
    if sqlite is not None or sqlite_before is not None:
        # Both by the launcher, or what it takes would be a difference between them.
        own = sqlite_before or builder.linked_sqlite(builder.build(wanted[Side.BASELINE]))
        sqlites = {Side.BASELINE: own, Side.CANDIDATE: sqlite or own}
    built = {side: _built(builder, side, wanted[side], sqlites[side], say) for side in Side}
    changes = evidence.changes(
        built[Side.BASELINE].installed, built[Side.CANDIDATE].installed, asked
    )
    if sqlites[Side.BASELINE] != sqlites[Side.CANDIDATE]:
        changes.insert(
            0,
            VersionChange(
                name=requirements.SQLITE,
                baseline=sqlites[Side.BASELINE],
                candidate=sqlites[Side.CANDIDATE],
                was_asked=True,
            ),
        )
    for row in changes:
        remark = "asked" if row.was_asked else "came along"
        say(f"{row.name}: {row.baseline} -> {row.candidate} ({remark})")
    return Sides(built=built, asked=asked, sqlite=sqlite, changes=changes)


def _built(
    builder: Builder, side: Side, wanted: str, sqlite: str | None, say: Callable[[str], None]
) -> BuiltEnvironment:
    started = time.monotonic()
    built = builder.build(wanted, sqlite=sqlite)
    beneath = "" if sqlite is None else f" on SQLite {sqlite}"
    say(
        f"{side.value}: environment {built.folder.name} with {len(built.installed)} libraries"
        f"{beneath} ({time.monotonic() - started:.1f} s)"
    )
    return built
