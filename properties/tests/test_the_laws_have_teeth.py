"""Each law is broken on purpose, and catches it; the untouched subject breaks none."""

import dataclasses
import importlib
from typing import Any

import pytest

from properties.profiles import PROFILES
from properties.rules import explore
from properties.tests.broken import BROKEN, AcknowledgesBeforeTheCommit, Broken

QUICK = dataclasses.replace(PROFILES["gate"], explored_count=800, step_count=8)
JUDGED = sorted(set(BROKEN.values()) | {"an_acknowledged_transition_stays"})


def _judge(law: str) -> Any:
    return importlib.import_module(f"properties.specs.test_{law}").judge


@pytest.mark.parametrize("subject", BROKEN, ids=lambda subject: subject.__name__)
def test_a_bug_is_caught_by_its_law(subject: type[Broken]) -> None:
    """The law named beside the bug fails, with a timeline, and not the harness."""
    law = BROKEN[subject]
    found = explore(subject, {law: _judge(law)}, QUICK.explored)
    assert None is found.harness_error, found.harness_error
    assert [law] == list(found.broken)
    assert "->" in found.broken[law]


def test_one_broken_law_hides_no_other() -> None:
    """A false acknowledgement breaks two laws; both are found in one exploration."""
    laws = {law: _judge(law) for law in ("a_stale_writer_never_wins", "retries_are_bounded")}
    laws["an_acknowledged_transition_stays"] = _judge("an_acknowledged_transition_stays")
    quick = dataclasses.replace(QUICK, explored_count=25)
    found = explore(AcknowledgesBeforeTheCommit, laws, quick.explored)
    assert {"a_stale_writer_never_wins", "an_acknowledged_transition_stays"} == set(found.broken)


def test_the_untouched_subject_keeps_every_law() -> None:
    """Else a kill would prove nothing."""
    quick = dataclasses.replace(QUICK, explored_count=15)
    found = explore(Broken, {law: _judge(law) for law in JUDGED}, quick.explored)
    assert ({}, None) == (found.broken, found.harness_error)


def test_a_failing_judge_breaks_no_law() -> None:
    """A NameError in the harness is the harness's: nothing is broken, nothing has passed."""

    def judge(_evidence: object) -> None:
        raise NameError("a slip of the judge")

    found = explore(Broken, {"a_law": judge}, QUICK.explored)
    assert {} == found.broken
    assert "a slip of the judge" in (found.harness_error or "")
