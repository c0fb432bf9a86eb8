"""Each bug is put in, and the images show it; the untouched subject shows nothing."""

import asyncio
from collections.abc import Callable

import pytest

from properties.crashes import kills, recovery, workload
from properties.crashes.examination import Effort, Findings, examine
from properties.crashes.judging import Breach
from properties.crashes.modes import MODES, Mode
from properties.crashes.recording import Recording
from properties.crashes.told import story
from properties.crashes.workload import Disturbed, Workload, WorkloadError, record
from properties.faults.operations import Decision, Kind, Operation, Pretend, Role
from properties.scratch import scratch_folder
from properties.subjects import Subject
from properties.tests.crashes import broken
from properties.tests.foreign import ForeignSubject

SMALL = Workload(file_count=1, life_count=1)
EFFORT = Effort(subset_count=0, most_changes=2)


def judged(mode: Mode, effort: Effort = EFFORT) -> tuple[Recording, Findings]:
    """Record the mode and judge its images."""
    with scratch_folder() as folder:
        recording = asyncio.run(record(mode, folder, SMALL))
    return recording, examine(recording, effort)


@pytest.mark.parametrize(
    ("make", "fsync_fails", "breach"),
    [
        (broken.commits_with_syncs_off, False, Breach.LOST),
        (broken.AcknowledgesBeforeCommit, False, Breach.LOST),
        (broken.SettlesDoubtsByReading, True, Breach.DENIED),
    ],
)
def test_a_subject_that_breaks_its_word_is_caught(
    make: Callable[[], Subject], fsync_fails: bool, breach: Breach
) -> None:
    """The breach is the one that the bug is about, and it is told as a timeline."""
    mode = Mode.promising_durability(make, fsync_fails=fsync_fails)
    recording, findings = judged(mode)
    assert breach in mode.broken(findings)
    image, example = findings.examples[breach][0]
    text = story(recording, image, [example], command="nox -s crashes -- ...")
    assert breach.value in text
    *_, failing, left, again = text.splitlines()
    assert "----- the power fails -----" in failing
    assert left.startswith("  left: ")
    assert "again: nox -s crashes" in again
    assert len(text.splitlines()) <= 40


def test_a_lost_table_is_named() -> None:
    """Of somebody else's subject, which makes a commit of each table and never syncs."""
    mode = Mode.promising_durability(broken.ForeignWithSyncsOff)
    recording, findings = judged(mode)
    image, example = findings.examples[Breach.LOST][0]
    text = story(recording, image, [example])
    assert (
        "  acknowledged and gone: seed of life 0/file 0: no row of it is found; "
        "there is no table doc; there is no table doc_log"
    ) in text.splitlines()
    assert "again" not in text


def test_tables_that_come_one_by_one_are_no_loss() -> None:
    """Somebody else's tables, made in a commit each: with one of them, nothing was promised yet."""
    _, findings = judged(Mode.promising_durability(ForeignSubject))
    assert {} == dict(findings.broken)
    assert findings.image_count > 150


def test_a_layout_of_other_tables_is_no_loss() -> None:
    """It would find nothing on any disk, so nothing was judged."""
    with pytest.raises(WorkloadError, match="layout reads files, transitions: no table"):
        judged(Mode.promising_durability(broken.ForeignReadAsV9))


@pytest.mark.parametrize("fsync_fails", [False, True])
def test_the_untouched_subject_keeps_its_word(fsync_fails: bool) -> None:
    """Else a kill would prove nothing."""
    mode = Mode.promising_durability(broken.untouched, fsync_fails=fsync_fails)
    _, findings = judged(mode, Effort(subset_count=0, most_changes=2, cut_stride=129))
    assert findings.images["cut"] > 100
    assert {} == dict(findings.broken)
    assert findings.image_count > 150


@pytest.mark.parametrize("role", [Role.WAL, Role.FOLDER])
def test_a_sync_that_is_swallowed_is_caught(role: Role, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the WAL, or of the folder alone: without its name a synced WAL is nowhere."""

    class Swallowing(Disturbed):
        def plan(self, operation: Operation) -> Decision:
            return broken.without_sync_of(role, operation)

    monkeypatch.setattr(workload, "Disturbed", Swallowing)
    _, findings = judged(Mode.promising_durability(broken.untouched))
    assert findings.broken[Breach.LOST] > 0


def test_a_database_made_under_normal_can_be_damaged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Why the core waits for the disk until the WAL is there: a torn journal page rolls back."""
    found = {}
    for name, make in (("careless", broken.creates_under_normal), ("core", MODES["normal"].make)):
        _, findings = judged(
            Mode.promising_durability(make), Effort(subset_count=0, most_changes=8)
        )
        found[name] = findings.broken[Breach.DAMAGED] > 0
    assert {"careless": True, "core": False} == found


def test_normal_loses_what_was_acknowledged_and_stays_a_prefix() -> None:
    """Shown, not only allowed."""
    _, findings = judged(MODES["normal"])
    assert [Breach.LOST] == list(findings.broken)


def test_a_fault_that_spoils_the_file_during_recovery_is_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A write that is swallowed while the WAL goes into the database, and then the WAL goes."""
    with scratch_folder() as folder:
        mode = Mode.promising_durability(broken.untouched)
        recording = asyncio.run(record(mode, folder, SMALL))
    sound = recovery.fail_every_recovery(recording, image_count=3)
    assert [] == sound.wrong
    assert sound.run_count > 100
    real = recovery.fault_for
    monkeypatch.setattr(
        recovery, "fault_for", lambda op: Pretend() if op.kind is Kind.WRITE else real(op)
    )
    assert [] != recovery.fail_every_recovery(recording, image_count=3).wrong


@pytest.mark.parametrize(
    ("make", "is_sound"), [(broken.untouched, True), (broken.AcknowledgesBeforeCommit, False)]
)
def test_a_killed_worker_has_kept_what_it_told(make: Callable[[], Subject], is_sound: bool) -> None:
    """Real processes, killed before their Nth file operation; one tells what it will do."""
    mode = Mode.promising_durability(make)
    found = kills.kill_at_every_operation(mode, file_count=1, stride=23)
    assert found.kill_count >= 10
    assert is_sound == (found.wrong == [])
