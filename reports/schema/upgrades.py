"""The verdict on an upgrade, and the comparison of two finished files."""

import enum

from reports.schema.behaviour import BehaviourChange
from reports.schema.environment import Environment
from reports.schema.laws import LawComparison
from reports.schema.parts import SCHEMA_VERSION, Count, Record, Verdict
from reports.schema.sessions import SessionRecord


class BenchmarkOutcome(enum.Enum):
    """What one benchmark says about an upgrade."""

    REGRESSED = "regressed"
    SLOWER = "slower"
    WITHIN_TOLERANCE = "within tolerance"
    FASTER = "faster"
    UNKNOWN = "unknown"
    QUIET = "quiet"
    NOT_QUIET = "not quiet"


class BenchmarkComparison(Record, frozen=True, kw_only=True):
    """Candidate over baseline for one benchmark: above 1 is slower.

    The interval is at `confidence` for the whole family of benchmarks; a bound is None where the
    epochs were too few to give one. `cpu_ratio` is of CPU time, `twin_ratio` the baseline over
    itself in the same epochs; None where that was not measured. `hidden_percent` is the CPU time
    that the candidate takes outside its rounds more than the baseline, of that in a round.
    Quantiles are of all rounds of a side, at equal steps from the fastest to the slowest.
    """

    name: str
    is_control: bool
    baseline_us: float
    candidate_us: float
    ratio: float
    ratio_low: float | None
    ratio_high: float | None
    confidence: float
    epoch_count: Count
    outcome: BenchmarkOutcome
    epoch_ratios: list[float]
    cpu_ratio: float | None = None
    twin_ratio: float | None = None
    hidden_percent: float | None = None
    reason: str | None = None
    accepted: str | None = None
    baseline_quantiles_us: list[float] = []
    candidate_quantiles_us: list[float] = []


class AcceptedKind(enum.Enum):
    """What a line of the ledger accepts."""

    LAW = "law"
    BEHAVIOUR = "behaviour"
    BENCHMARK = "benchmark"


class AcceptedState(enum.Enum):
    """What became of a line of the ledger in one gate."""

    USED = "used"
    REFUSED = "refused"
    UNUSED = "unused"
    EXPIRED = "expired"
    NOT_ASKED = "not asked"


class AcceptedLine(Record, frozen=True, kw_only=True):
    """One line of reports/accepted.toml; `place` is its file and line, `expires` an ISO date.

    `source` is where the makers of the package tell of the change.
    """

    place: str
    kind: AcceptedKind
    name: str
    package: str
    versions: str
    reason: str
    expires: str
    bound: float | None = None
    source: str | None = None
    state: AcceptedState


class VersionChange(Record, frozen=True, kw_only=True):
    """One distribution that differs between the environments; None where it is absent."""

    name: str
    baseline: str | None
    candidate: str | None
    was_asked: bool


class Reason(Record, frozen=True, kw_only=True):
    """One sentence for the verdict that it argues for. The heaviest stands first.

    `is_accepted` marks what would not pass without its line in the ledger.
    """

    verdict: Verdict
    text: str
    is_accepted: bool = False


class GateQuestion(Record, frozen=True, kw_only=True, tag_field="kind", tag="question"):
    """What a gate was asked, so that it can be asked again.

    `baseline` are requirements in place of the lock's, none for the lock itself. Among both
    `sqlite==VERSION` is the SQLite. `python` is the one that both sides run on, None the gate's
    own. `sources` is a digest of the checkout that asks, `constraints` the text of the
    constraints, if any. `subject` is somebody's machine that is asked in place of ours, its module
    in the folder `beside`.
    """

    requirements: list[str]
    seed: int
    sources: str
    baseline: list[str] = []
    constraints: str = ""
    law: str | None = None
    subject: str | None = None
    beside: str | None = None
    python: str | None = None
    schema_version: int = SCHEMA_VERSION


class GateRecord(SessionRecord, frozen=True, kw_only=True, tag_field="kind", tag="gate"):
    """The content of reports/out/gate.json: the verdict on an upgrade, and why.

    `replay` is the command that asks the laws again with the candidate; add `--law NAME`. A
    benchmark fails beyond `margin_percent` and passes below `tolerance_percent`.
    """

    requirements: list[str]
    reasons: list[Reason]
    seed: int | None = None
    guarantee: str | None = None
    changes: list[VersionChange] = []
    baseline: Environment | None = None
    candidate: Environment | None = None
    laws: list[LawComparison] = []
    benchmarks: list[BenchmarkComparison] = []
    behaviour: list[BehaviourChange] = []
    ledger: list[AcceptedLine] = []
    weaknesses: list[str] = []
    replay: str | None = None
    margin_percent: float | None = None
    tolerance_percent: float | None = None


class CompareRecord(SessionRecord, frozen=True, kw_only=True, tag_field="kind", tag="compare"):
    """The content of reports/out/compare.json: two finished files, without pairing.

    A benchmark fails where all of its interval lies beyond `margin_percent`.
    """

    baseline_path: str
    candidate_path: str
    reasons: list[Reason]
    benchmarks: list[BenchmarkComparison] = []
    only_baseline: list[str] = []
    only_candidate: list[str] = []
    margin_percent: float | None = None
