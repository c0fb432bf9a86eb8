"""An unknown outcome resolves in one read: asking by the attempt's id tells the truth.

The journal row is written in the transaction of the transition, so its presence is the outcome.
"Unknown" may be answered until a later commit has settled the doubt, and to nobody after that.
A journal in a transaction of its own breaks it.
"""

from collections.abc import Callable

from properties.rules import Evidence
from properties.subjects import Offer

NEEDS = frozenset({Offer.JOURNAL, Offer.OUTCOMES})


def judge(evidence: Evidence) -> None:
    """Compare the subject's answer with the journal, for every attempt of late."""
    for attempt_id, committed in evidence.outcomes.items():
        written = evidence.snapshot.entry_of(attempt_id) is not None
        if committed is None:
            later = _commits_after(evidence, attempt_id)
            assert not later, f"{attempt_id} is unknown, {later[0]} committed since"
            continue
        assert committed == written, f"{attempt_id}: told {committed}, journal: {written}"


def _commits_after(evidence: Evidence, attempt_id: str) -> list[str]:
    (asked,) = (each for each in evidence.operations if each.attempt_id == attempt_id)
    return [
        each.attempt_id
        for each in evidence.operations
        if each.actor == "worker"
        and each.answer is not None
        and each.answer.kind.says_moved
        and asked.end is not None
        and each.begin > asked.end
    ]


def test_asking_by_id_tells_the_truth(explored: Callable[[], None]) -> None:
    """Every attempt is asked for: cancelled, refused and acknowledged ones."""
    explored()
