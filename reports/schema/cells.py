"""A cell: one question that one machine can answer alone, and its answer.

Plans list cells, matrices and clusters hand them out, merges read their answers: strings in, JSON
out.
"""

import enum
import hashlib

import msgspec

from reports.schema.behaviour import BehaviourRecord
from reports.schema.environment import Environment
from reports.schema.parts import SCHEMA_VERSION, Count, Record, Verdict
from reports.schema.sessions import LawsRecord, SessionRecord
from reports.schema.upgrades import BenchmarkComparison, Reason


class Asked(enum.Enum):
    """What a cell asks: laws of one environment, or how two differ, in what they do or take."""

    LAWS = "laws"
    BEHAVIOUR = "behaviour"
    BENCHMARKS = "benchmarks"


class Place(Record, frozen=True, kw_only=True, omit_defaults=True):
    """An environment: the lock, moved to `requirements`, on a Python and a SQLite.

    `python` is a version or a path, `sqlite` a version; None is the one that this Python is
    linked to.
    """

    python: str
    requirements: list[str] = []
    sqlite: str | None = None

    @property
    def words(self) -> str:
        """What lines and tables call it."""
        asked = ", ".join(self.requirements) or "the lock"
        beneath = f", SQLite {self.sqlite}" if self.sqlite is not None else ""
        return f"{asked} on Python {self.python}{beneath}"


class Cell(Record, frozen=True, kw_only=True, tag_field="kind", tag="cell"):
    """One question. What asks about a difference has a `baseline`; laws are asked of `place` alone.

    `names` are laws or benchmarks by their names, `subjects` those of the laws; none are all.
    Another seed is another question, also to the clocks. `sources` is the digest of the checkout
    that asks, its lock included: another checkout asks otherwise.
    """

    asked: Asked
    place: Place
    sources: str
    baseline: Place | None = None
    names: list[str] = []
    subjects: list[str] = []
    profile: str = "gate"
    seed: Count = 1
    schema_version: int = SCHEMA_VERSION

    @property
    def digest(self) -> str:
        """What the answer is kept under: the same question has the same one on every machine."""
        return hashlib.sha256(msgspec.json.encode(self)).hexdigest()[:16]


class CellRecord(SessionRecord, frozen=True, kw_only=True, tag_field="kind", tag="answer"):
    """The answer to one cell, in the place that the question names.

    Its verdict: *pass* and *fail* as the session that was asked says; *unknown* where that said
    nothing that can be believed, and `problem` why; *usage* where there is no such environment,
    *invalid* where it could not be had here. Laws give `laws`; what was written down by the
    baseline and the place stands in `behaviour`, in this order; the clocks give `benchmarks` with
    their `reasons`. `baseline` proves what the baseline ran, `environment` what the place did.
    """

    cell: Cell
    problem: str | None = None
    was_stopped: bool = False
    baseline: Environment | None = None
    laws: LawsRecord | None = None
    behaviour: list[BehaviourRecord] = []
    benchmarks: list[BenchmarkComparison] = []
    reasons: list[Reason] = []

    @property
    def is_settled(self) -> bool:
        """Whether all was answered, so that it is kept. What is in the way may be gone soon."""
        return self.verdict in {Verdict.PASS, Verdict.FAIL} and self.problem is None


class CellOutcome(enum.Enum):
    """What a table says of one cell of laws."""

    HOLDS = "holds"
    BROKEN = "broken"
    NOT_BUILT = "cannot be built"
    UNKNOWN = "unknown"


class CellRow(Record, frozen=True, kw_only=True):
    """One cell of a compatibility table, in its `group`; its answer is kept under `digest`.

    `broken` names the laws that fail, each with its subject where that is no library; `known`
    those that fail as the ledger of known defects says. `is_promised` where each release lies
    within the published bounds. `python` and `sqlite` are the versions that really ran.
    """

    group: str
    place: Place
    digest: str
    outcome: CellOutcome
    is_promised: bool
    elapsed_s: float
    held_count: Count = 0
    broken: list[str] = []
    known: list[str] = []
    python: str | None = None
    sqlite: str | None = None
    reason: str | None = None


class MatrixRecord(SessionRecord, frozen=True, kw_only=True, tag_field="kind", tag="matrix"):
    """The content of reports/out/matrix.json: which laws hold where."""

    seed: int
    rows: list[CellRow]
