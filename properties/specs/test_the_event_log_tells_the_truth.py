"""The event log tells the truth: one record an attempt, and success records are the commits.

A record may say *unknown* only of an attempt whose caller got no answer. A record before the
commit, one a try, none on failure, or what an earlier try has noted breaks it.
"""

from collections import Counter
from collections.abc import Callable
from datetime import datetime

from properties.rules import Evidence
from properties.subjects import AnswerKind, Offer

NEEDS = frozenset({Offer.LOG, Offer.JOURNAL})

FIELDS = {
    "attempt_id",
    "timestamp",
    "file_id",
    "event",
    "from_state",
    "to_state",
    "guard_result",
    "outcome",
    "error",
}


OUTCOMES = {
    AnswerKind.SUCCESS: {"success"},
    AnswerKind.FAILED_AFTER_COMMIT: {"success"},
    AnswerKind.NOT_ALLOWED: {"not_allowed"},
    AnswerKind.REJECTED: {"rejected"},
    AnswerKind.STALE: {"stale"},
    AnswerKind.BUSY: {"busy"},
    AnswerKind.FAILED: {"failed"},
    AnswerKind.UNKNOWN: {"unknown"},
    AnswerKind.CANCELLED: {"cancelled", "unknown", "success"},
}
"""What the log may say of an attempt whose caller was told this."""
GUARD_RESULTS = {
    AnswerKind.SUCCESS: True,
    AnswerKind.REJECTED: False,
    AnswerKind.NOT_ALLOWED: None,
}
"""What the guard said, of whoever was told this; without an edge there is none to ask."""


def judge(evidence: Evidence) -> None:
    """Compare the log with what was asked and with the journal."""
    asked = Counter(each.attempt_id for each in evidence.operations if each.actor == "worker")
    logged = Counter(record.attempt_id for record in evidence.log)
    assert asked == logged, f"asked but not logged once: {asked - logged}, {logged - asked}"
    answers = {each.attempt_id: each for each in evidence.operations}
    for record in evidence.log:
        assert FIELDS <= record.fields, f"a record lacks {FIELDS - record.fields}"
        if record.timestamp is not None:
            zone = datetime.fromisoformat(record.timestamp).tzinfo
            assert zone is not None, f"{record}: no time of any zone"
        kind = answers[record.attempt_id].kind
        assert record.outcome in OUTCOMES[kind], f"{record}: caller told {kind.value}"
        assert (record.error is None) == (kind is AnswerKind.SUCCESS), f"{record}: {kind.value}"
        said = GUARD_RESULTS.get(kind, record.guard_result)
        assert record.guard_result == said, f"{record}: the guard said {said}"
        if kind is AnswerKind.NOT_ALLOWED:
            assert record.to_state is None, f"{record}: there is no edge, and a target"
        entry = evidence.snapshot.entry_of(record.attempt_id)
        operation = answers[record.attempt_id]
        if record.outcome == "unknown":
            told = operation.kind
            assert not (told.says_moved or told.says_unmoved), f"{record}: caller told {told.value}"
            continue
        assert (record.outcome == "success") == (entry is not None), f"{record}, journal: {entry}"
        if entry is not None:
            written = (entry.file_path, entry.event, entry.from_state, entry.to_state)
            logged_as = (record.file_path, record.event, record.from_state, record.to_state)
            assert logged_as == written, f"{record}, journal: {entry}"


def test_success_records_are_the_commits(explored: Callable[[], None]) -> None:
    """Under concurrent attempts, cancellation, lock-outs and overtaking."""
    explored()
