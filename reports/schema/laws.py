"""What laws said: one in one environment, and one in both environments of an upgrade."""

import enum

from reports.schema.parts import Count, Milliseconds, Record

NEXT_FAILURE = "-- next failure: "
"""What begins the line before each failure but the first in a law's text; the case follows it."""


class LawKind(enum.Enum):
    """Whether a law judges our machine, or states what we assume of somebody else's library."""

    MACHINE = "machine"
    ASSUMPTION = "assumption"


class LawVerdict(enum.Enum):
    """What is known of one law in one environment."""

    PASS = "pass"
    FAIL = "fail"
    UNKNOWN = "unknown"
    NOT_ASKED = "not asked"


class LawRecord(Record, frozen=True, kw_only=True):
    """What one law said in one environment.

    `law` is the sentence name of its test, `sentence` the first line of its docstring.
    `leans_on` is the line of ours, as file:line or a sentence, that leans on an assumption.
    `failure` is the counterexample as text and ends in the command that replays it; where more than
    one case broke the law, each further one follows a line that begins with ``NEXT_FAILURE``.
    `is_known` where the ledger of known defects names the law at this version: then `reason` is
    what it says, else why a law is unknown or was not asked. `drawn` counts the cases that
    Hypothesis drew, or that were met as it had drawn them elsewhere.
    """

    law: str
    kind: LawKind
    sentence: str
    verdict: LawVerdict
    subject: str
    examples: Count
    steps: Count
    schedules: Count = 0
    elapsed_ms: Milliseconds
    leans_on: str | None = None
    failure: str | None = None
    reason: str | None = None
    is_known: bool = False
    drawn: Count = 0


class LawOutcome(enum.Enum):
    """What one law says about an upgrade, from its verdicts in both environments.

    An assumption that fails in both for another reason each *fails otherwise*: the second reason
    may be new.
    """

    HOLDS = "holds"
    NEW_FAILURE = "new failure"
    FIXED = "fixed"
    FAILS_IN_BOTH = "fails in both"
    FAILS_OTHERWISE = "fails otherwise"
    UNKNOWN = "unknown"
    NOT_ASKED = "not asked"


class LawComparison(Record, frozen=True, kw_only=True):
    """One law in both environments. A side that never reported the law is None.

    `accepted` is the line of the ledger that covers a new failure, with its reason.
    """

    law: str
    kind: LawKind
    sentence: str
    baseline: LawVerdict | None
    candidate: LawVerdict | None
    outcome: LawOutcome
    leans_on: str | None = None
    failure: str | None = None
    reason: str | None = None
    accepted: str | None = None

    @property
    def is_not_offered(self) -> bool:
        """Whether neither side was asked because the subject lacks what the law is about."""
        return self.outcome is LawOutcome.NOT_ASKED and " does not offer " in (self.reason or "")
