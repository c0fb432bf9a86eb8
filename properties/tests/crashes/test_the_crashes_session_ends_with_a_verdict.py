"""Fail, unknown and pass are told apart; an error of the harness is never one of the other two."""

import dataclasses
import os
from pathlib import Path

import pytest

from properties.crashes import kills, pins
from properties.crashes.examination import Effort
from properties.crashes.judging import Breach
from properties.crashes.modes import MODES, Mode
from properties.crashes.profiles import PROFILES
from properties.crashes.recording import Recorder
from properties.crashes.session import Judged, judge_parts, main
from properties.faults.operations import Kind, Operation, Result
from properties.session import UsageError
from properties.tests.crashes import broken
from reports.schema import SessionRecord, Verdict, read

TINY = dataclasses.replace(
    PROFILES["dev"], effort=Effort(subset_count=0, most_changes=2), cut_stride=4096
)


def judged(mode: Mode, *parts: str) -> Judged:
    """Run parts of the session in this process."""
    found = Judged()
    judge_parts(found, parts or ("images",), [mode], TINY, 0)
    return found


def test_a_broken_promise_fails_with_its_image() -> None:
    """And with the command that makes the image again."""
    found = judged(Mode.promising_durability(broken.commits_with_syncs_off))
    assert Verdict.FAIL is found.verdict
    assert "again: nox -s crashes -- --profile dev --mode full --image " in found.failures[0]


def test_a_control_that_shows_nothing_is_unknown() -> None:
    """The instrument may be blind, so what it did not see proves nothing."""
    control = dataclasses.replace(
        MODES["off"], make=broken.untouched, checkpoint_synchronous="FULL"
    )
    found = judged(control)
    assert Verdict.UNKNOWN is found.verdict
    assert "'acknowledged and gone'" in found.unknown[0]


def test_an_error_of_the_harness_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the subject's factory, inside SQLite's callback, in the judge, in a worker."""
    found = judged(Mode.promising_durability(broken.misnames_something))
    assert (Verdict.UNKNOWN, []) == (found.verdict, found.failures)

    def slip(*_arguments: object) -> None:
        raise NameError("a slip of the judge")

    def slip_at_a_write(_recorder: Recorder, operation: Operation, _result: Result) -> None:
        if operation.kind is Kind.WRITE:
            raise NameError("a slip of the recorder")

    with monkeypatch.context() as patch:
        patch.setattr(Recorder, "observe", slip_at_a_write)
        found = judged(MODES["full"])
    assert (Verdict.UNKNOWN, []) == (found.verdict, found.failures)
    assert "ShimBrokenError" in found.unknown[0]
    with monkeypatch.context() as patch:
        patch.setattr("properties.crashes.examination.breaches", slip)
        found = judged(MODES["full"])
    assert (Verdict.UNKNOWN, []) == (found.verdict, found.failures)


def test_a_worker_that_ends_as_nobody_asked_is_an_error_of_the_harness() -> None:
    """It raised, so nothing was killed and nothing was judged."""
    mode = Mode.promising_durability(broken.misnames_something)
    with pytest.raises(kills.WorkerError, match="ended with code 1"):
        kills.kill_at_every_operation(mode, file_count=1, stride=1)


def test_nothing_tried_is_unknown() -> None:
    """No count, no verdict."""
    assert Verdict.UNKNOWN is Judged().verdict


def test_counts_that_are_not_as_pinned_are_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Of this SQLite and this profile; what was not taken is no difference."""
    pinned = tmp_path / "pinned.toml"
    pinned.write_text('["9.9.9".ci]\nfull_images = 7\nkills = 1\n')
    monkeypatch.setattr(pins, "PINNED", pinned)
    assert [] == pins.unpinned("ci", {"full_images": 8})
    monkeypatch.setattr("sqlite3.sqlite_version", "9.9.9")
    assert ["full_images: 8, pinned for SQLite 9.9.9: 7"] == pins.unpinned("ci", {"full_images": 8})
    assert [] == pins.unpinned("ci", {"full_images": 7})


def test_one_image_is_made_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its files can be kept; the record and the last line say what came of it."""
    planted = Mode.promising_durability(broken.AcknowledgesBeforeCommit)
    monkeypatch.setitem(MODES, "full", planted)
    monkeypatch.setitem(PROFILES, "dev", TINY)
    found = judged(planted)
    image = found.failures[0].rpartition("--image ")[2]
    record, into = tmp_path / "crashes.json", tmp_path / "image"
    options = ["--mode", "full", "--image", image, "--into", str(into), "--record", str(record)]
    assert Verdict.FAIL.exit_code == main(options)
    out = capsys.readouterr().out
    assert "crashes: fail: 1 images, 1 broken" == out.splitlines()[-1]
    assert "acknowledged and gone" in out
    assert "rows.db" in os.listdir(into)
    assert Verdict.FAIL is read(record, SessionRecord).verdict
    assert Breach.LOST.value in out


@pytest.mark.parametrize(
    "options",
    [
        ["--image", "1/kept/0/0"],
        ["--mode", "full", "--image", "1/kept"],
        ["--mode", "full", "--image", "99999/kept/0/0"],
        ["--mode", "full", "--image", "30/torn/77/1"],
        ["--image", "3"],
        ["--processes", "-1"],
        ["--mode", "no such mode"],
    ],
)
def test_options_that_mean_nothing_are_usage(options: list[str]) -> None:
    """Nothing is asked."""
    with pytest.raises(UsageError):
        main(options)
