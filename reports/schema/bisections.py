"""Which release first did otherwise: a law, a behaviour or a benchmark along a line of releases."""

import enum

from reports.schema.parts import Count, Record
from reports.schema.sessions import SessionRecord
from reports.schema.upgrades import BenchmarkComparison


class TurnedKind(enum.Enum):
    """What kind of thing is otherwise."""

    LAW = "law"
    BEHAVIOUR = "behaviour"
    BENCHMARK = "benchmark"


class Turned(Record, frozen=True, kw_only=True):
    """One thing that the last release does otherwise than the first, and where it turned.

    `last_same` and `first_changed` are neighbours but for `unknown`, releases of which nothing
    could be said. `asked_count` counts the releases between the ends that were asked. `what` says
    in words what is otherwise, `confirmation` what both neighbours of a slower release showed.
    """

    kind: TurnedKind
    name: str
    what: str
    last_same: str
    first_changed: str
    asked_count: Count
    unknown: list[str] = []
    confirmation: str | None = None
    is_confirmed: bool = True


class BisectRecord(SessionRecord, frozen=True, kw_only=True, tag_field="kind", tag="bisect"):
    """The content of reports/out/bisect.json: the releases, and what turned at which."""

    package: str
    releases: list[str]
    seed: int
    turned: list[Turned]


class ClocksRecord(SessionRecord, frozen=True, kw_only=True, tag_field="kind", tag="clocks"):
    """What the clocks say of one release over another."""

    benchmarks: list[BenchmarkComparison]
