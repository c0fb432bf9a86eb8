"""The enumeration finds each bug by its law, and owns its own errors."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Iterator

import pytest

from properties.faults.enumeration import Enumeration, enumerate_faults
from properties.faults.judges import machine_judges
from properties.faults.means import MEANS
from properties.faults.plan import Fault, Phase, Repeat, Strike
from properties.faults.scene import strike_once
from properties.rules import Evidence, Judge
from properties.subjects.protocol import SubjectFactory
from properties.tests.faults import plain

JUDGES = machine_judges()
LATE = 12
"""Operations of an attempt from which on COMMIT has begun."""
BUGS: dict[type[plain.Plain], tuple[str, Phase, str]] = {
    plain.BeginsOutsideTheTry: ("interrupt", Phase.ATTEMPT, "nothing_outlives_its_owner"),
    plain.MasksTheCause: ("late interrupt", Phase.ATTEMPT, "an_error_after_commit_says_so"),
    plain.RetriesAnUnknownCommit: (
        "late interrupt",
        Phase.ATTEMPT,
        "an_error_after_commit_says_so",
    ),
    plain.TellsAFailedCommitAsAFailure: (
        "late interrupt",
        Phase.ATTEMPT,
        "an_error_after_commit_says_so",
    ),
    plain.LeavesAConnectionWhenAPragmaFails: (
        "authorizer",
        Phase.OPEN,
        "nothing_outlives_its_owner",
    ),
}


@pytest.fixture(autouse=True)
def _let_go() -> Iterator[None]:
    yield
    for connection in plain.LeavesAConnectionWhenAPragmaFails.left:
        asyncio.run(connection.close())
    plain.LeavesAConnectionWhenAPragmaFails.left.clear()


def enumerated(
    factory: SubjectFactory, name: str, phase: Phase, judges: dict[str, Judge] = JUDGES
) -> Enumeration:
    """Strike each operation once, or the last ones, until a law breaks."""
    means = dataclasses.replace(MEANS[name.removeprefix("late ")], repeats=(Repeat.ONCE,))
    return enumerate_faults(
        factory,
        "plain",
        means,
        phase,
        judges,
        only_last=LATE if name.startswith("late ") else None,
        stops_when_broken=True,
    )


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.__name__)
def test_a_bug_is_caught_by_its_law(bug: type[plain.Plain]) -> None:
    """And told with the fault in its timeline, not as the judge's own failure."""
    name, phase, law = BUGS[bug]
    found = enumerated(bug, name, phase)
    assert [] == found.unknown
    assert law in found.broken[-1].broken
    assert "struck: " in found.broken[-1].timeline


@pytest.mark.parametrize(("name", "phase"), sorted({(n, p) for n, p, _ in BUGS.values()}, key=str))
def test_the_untouched_subject_keeps_every_law(name: str, phase: Phase) -> None:
    """Where its bugs are caught it breaks nothing; else a kill would prove nothing."""
    found = enumerated(plain.Plain, name, phase)
    assert ([], []) == (found.broken, found.unknown)
    assert found.fired == (LATE if name.startswith("late ") else found.operation_count)
    durable = phase is Phase.ATTEMPT  # the last step of COMMIT: it has moved, and raises
    assert int(durable) == found.durable_yet_raised


def test_a_second_cancellation_comes_at_each_later_wait() -> None:
    """One at the wait right after the first is survived; the next one is not. And all end."""
    found = enumerated(plain.IsCutOffInItsCleanUp, "cancel", Phase.ATTEMPT)
    assert ([], []) == (found.broken, found.unknown)
    found = enumerated(plain.IsCutOffInItsCleanUp, "cancel-twice", Phase.ATTEMPT)
    assert "nothing_outlives_its_owner" in found.broken[-1].broken
    assert 2 == found.broken[-1].fault.again
    told = found.broken[-1].fault.told()
    assert told.endswith("--again 2")
    sound = enumerated(plain.Plain, "cancel-twice", Phase.ATTEMPT)
    assert ([], []) == (sound.broken, sound.unknown)
    assert sound.pair_count == sound.fired > sound.operation_count


def test_what_is_left_late_is_seen() -> None:
    """What a call left in its worker's queue may run when the call has ended, and the look too."""
    found = enumerated(plain.BeginsLate, "cancel-twice", Phase.ATTEMPT)
    assert "nothing_outlives_its_owner" in found.broken[-1].broken
    assert 2 == found.broken[-1].fault.again


def test_a_failing_judge_is_unknown() -> None:
    """A slip of the judge breaks no law, and passes none."""

    def judge(_evidence: Evidence) -> None:
        raise NameError("a slip of the judge")

    found = enumerated(plain.Plain, "callback-raises", Phase.ATTEMPT, {"a_law": judge})
    assert [] == found.broken
    assert "a slip of the judge" in found.unknown[0]


def test_a_failing_means_is_unknown() -> None:
    """So is a slip of what strikes."""

    class Slips(Strike):
        def prepare(self, path: str, history: object) -> None:
            raise NameError("a slip of the means")

    means = dataclasses.replace(MEANS["interrupt"], strike=Slips)
    point = strike_once(plain.Plain, means, Fault(means="interrupt", nth=1), JUDGES)
    assert {} == point.broken
    assert "a slip of the means" in (point.unknown or "")


def test_a_call_that_never_ends_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits for ever breaks a law of his own, and nobody waits with him."""

    class Waits(plain.Plain):
        async def attempt(self, request: object) -> object:  # type: ignore[override]
            return await asyncio.Event().wait()

    monkeypatch.setattr("properties.faults.calls.HANG_S", 0.01)
    point = strike_once(Waits, MEANS["interrupt"], Fault(means="interrupt", nth=1), JUDGES)  # type: ignore[arg-type]
    assert ["every_call_ends"] == list(point.broken)
