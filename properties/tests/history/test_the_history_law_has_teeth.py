"""Bugs that other laws catch by the journal are seen from outside, by answers and reads alone."""

import dataclasses

import pytest

from properties.profiles import PROFILES
from properties.rules import explore
from properties.specs.test_the_history_is_linearizable import judge
from properties.tests import broken

LAW = "the_history_is_linearizable"
QUICK = dataclasses.replace(PROFILES["gate"], explored_count=800, step_count=8)


@pytest.mark.parametrize(
    "subject",
    [
        broken.AcknowledgesBeforeTheCommit,
        broken.TakesAnEdgeTooMany,
        broken.RefusesAndWritesAllTheSame,
        broken.IgnoresTheExpectedVersion,
    ],
    ids=lambda subject: subject.__name__,
)
def test_a_bug_is_told_by_its_operations(subject: type[broken.Broken]) -> None:
    """The law fails with a contradiction, and a timeline that marks those that contradict."""
    found = explore(subject, {LAW: judge}, QUICK.explored)
    assert None is found.harness_error, found.harness_error
    assert [LAW] == list(found.broken)
    assert " * " in found.broken[LAW]
