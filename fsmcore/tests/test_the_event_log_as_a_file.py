"""The event log as a file: whole lines, whatever the file system and the process do to it."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from fsmcore import EventRecord, JsonLinesSink, Outcome


def _record(attempt_id: str) -> EventRecord:
    return EventRecord(
        attempt_id=attempt_id,
        timestamp="t",
        file_id="f",
        event="e",
        from_state=None,
        to_state=None,
        guard_result=None,
        outcome=Outcome.FAILED,
        error=None,
    )


def test_a_record_after_the_close_is_refused(tmp_path: Path) -> None:
    """And a second close is none."""
    sink = JsonLinesSink(tmp_path / "log")
    sink.close()
    sink.close()
    with pytest.raises(OSError, match=r"^event log: closed; a record came after close\(\)\.$"):
        sink.record(_record("late"))


def test_a_new_log_may_be_read_by_all_and_written_by_its_owner(tmp_path: Path) -> None:
    """As far as the umask lets it."""
    before = os.umask(0)
    try:
        JsonLinesSink(tmp_path / "log").close()
    finally:
        os.umask(before)
    assert 0o644 == stat.S_IMODE((tmp_path / "log").stat().st_mode)


def test_a_line_that_is_cut_short_is_told_and_spoils_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file system takes ten bytes, as one that is nearly full does; then it has room again."""
    write = os.write

    def ten_bytes(descriptor: int, data: bytes) -> int:
        monkeypatch.setattr(os, "write", write)
        return write(descriptor, data[:10])

    whole = len(_record("cut").to_json()) + 1
    with JsonLinesSink(tmp_path / "log") as sink:
        monkeypatch.setattr(os, "write", ten_bytes)
        expected = f"^event log: wrote 10 of {whole} bytes; the file system is full\\.$"
        with pytest.raises(OSError, match=expected):
            sink.record(_record("cut"))
        sink.record(_record("whole"))
    cut, line, end = (tmp_path / "log").read_text("ascii").split("\n")
    assert (_record("cut").to_json()[:10], "whole", "") == (
        cut,
        json.loads(line)["attempt_id"],
        end,
    )


def test_a_daemon_without_standard_input_has_a_log(tmp_path: Path) -> None:
    """Its descriptor is 0, which is as good as any other."""
    kept = os.dup(0)
    os.close(0)
    try:
        sink = JsonLinesSink(tmp_path / "log")
        os.fstat(0)  # the log has the descriptor that was free
        sink.record(_record("first"))
        sink.close()
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(0)
    finally:
        os.dup2(kept, 0)
        os.close(kept)
    assert "first" == json.loads((tmp_path / "log").read_text("ascii"))["attempt_id"]
