"""What the laws tell of releases that are known to differ."""

import enum

from reports.schema.laws import LawVerdict
from reports.schema.parts import Milliseconds, Record
from reports.schema.sessions import SessionRecord


class PairOutcome(enum.Enum):
    """Whether a law tells a release that is known to break it from one that is not."""

    TOLD_APART = "told apart"
    MISSED = "missed"
    UNKNOWN = "unknown"


class PairComparison(Record, frozen=True, kw_only=True):
    """One pair of real releases under the law that must tell them apart.

    `failure` is what the law said at the bad release. `also` are the other assumption laws whose
    verdicts differ; None where they were not asked.
    """

    name: str
    package: str
    bad: str
    good: str
    law: str
    what: str
    reference: str
    is_on_purpose: bool
    outcome: PairOutcome
    at_bad: LawVerdict | None
    at_good: LawVerdict | None
    elapsed_ms: Milliseconds
    failure: str | None = None
    reason: str | None = None
    also: list[str] | None = None


class UpstreamRecord(SessionRecord, frozen=True, kw_only=True, tag_field="kind", tag="upstream"):
    """The content of reports/out/upstream.json: what the laws tell of real regressions."""

    seed: int
    pairs: list[PairComparison]
