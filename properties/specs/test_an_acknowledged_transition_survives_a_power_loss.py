"""An acknowledged transition survives a power loss, and what was denied never comes back.

With ``synchronous=FULL`` COMMIT returns after the WAL, and on a fresh connection its name in the
folder, are on the disk (https://sqlite.org/pragma.html#pragma_synchronous). Judged on images of
what the disk may hold when the power fails after any write: unsynced changes lost, kept, out of
order, torn at sectors; each reopened by SQLite. Whatever survives is a state that there was. Not
claimed here: NORMAL, and disks that lie about syncs (`nox -s crashes` shows both). An answer before
COMMIT, a commit with syncs off, or a doubt that is denied breaks it.
"""

import asyncio
from collections import Counter

import pytest

from properties.crashes.examination import Effort, examine
from properties.crashes.modes import Mode
from properties.crashes.recording import Recording
from properties.crashes.told import story
from properties.crashes.workload import Workload, record
from properties.recording import RECORDER
from properties.scratch import scratch_folder
from properties.subjects import SubjectFactory

SMALL = Workload(file_count=1, life_count=1)
EFFORT = Effort(subset_count=1, most_changes=6)


def _judge(mode: Mode, tally: Counter[str]) -> None:
    recording = _recorded(mode)
    findings = examine(recording, EFFORT)
    tally["examples"] += findings.image_count
    for breach in mode.broken(findings):
        image, broken = findings.examples[breach][0]
        pytest.fail(story(recording, image, [broken]), pytrace=False)


def _recorded(mode: Mode) -> Recording:
    with scratch_folder() as folder:
        return asyncio.run(record(mode, folder, SMALL))


@pytest.mark.parametrize("fsync_fails", [False, True], ids=["sound", "a sync fails"])
def test_what_was_acknowledged_is_in_every_image(
    make_subject: SubjectFactory, request: pytest.FixtureRequest, fsync_fails: bool
) -> None:
    """On a sound disk, and on one whose sync fails at COMMIT: there the answer is *unknown*."""
    tally = request.node.stash.setdefault(RECORDER.tally_key, Counter())
    _judge(Mode.promising_durability(make_subject, fsync_fails=fsync_fails), tally)
