"""Every message is the one in sentences.txt, in any run and folder; none shows an address."""

from __future__ import annotations

import asyncio
import inspect
import logging
import os
import re
from pathlib import Path

import pytest

import fsmcore
from fsmcore import (
    AfterCommitError,
    AttemptReusedError,
    FileAlreadyTrackedError,
    FileNotTrackedError,
    FsmCoreError,
    GuardRejectedError,
    MachineFactory,
    OutcomeUnknownError,
    StaleTransitionError,
    TransitionNotAllowedError,
    UnknownEventError,
    UnknownStateError,
)
from fsmcore.connections import CommitFailedError, RowCountError
from fsmcore.tests.book import Book, of_all
from fsmcore.tests.support import Connections
from fsmcore.text import shown

ADDRESS = re.compile(r"0x[0-9a-f]{6,}")
SENTENCES = Path(__file__).with_name("sentences.txt")


def test_every_sentence_is_the_one_that_is_written_down(
    tmp_path: Path,
    machine: MachineFactory,
    native: Connections,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A changed word is a decision, made in sentences.txt; and two runs say the same."""
    monkeypatch.setenv("COLUMNS", "100")
    folder = tmp_path / "folder"
    folder.mkdir()
    with caplog.at_level(logging.WARNING, logger="fsmcore"):
        said = asyncio.run(of_all(Book(folder, machine, native)))
    said += ["# The log.", *caplog.messages]
    assert SENTENCES.read_text("utf-8").splitlines() == said
    for message in said:
        assert not ADDRESS.search(message), message
        assert os.path.expanduser("~") not in message
        assert str(tmp_path) not in message


def test_any_text_is_shown_whole_on_one_line_or_cut_with_its_length() -> None:
    """The longest one that is whole, one more, and one that would move the cursor."""
    assert "x" * 120 == shown("x" * 120)
    assert f"{'x' * 120}… (121 characters)" == shown("x" * 121)
    assert r"'a\n\x1b[2Jb'" == shown("a\n\x1b[2Jb")


CARRIED: list[tuple[FsmCoreError, dict[str, object]]] = [
    (UnknownEventError("go", ["b", "a"]), {"event": "go", "events": ("a", "b")}),
    (
        TransitionNotAllowedError("f", "go", "s", ["b", "a"]),
        {"file_path": "f", "event": "go", "state": "s", "allowed": ("a", "b")},
    ),
    (GuardRejectedError("f", "go", "s"), {"file_path": "f", "event": "go", "state": "s"}),
    (
        StaleTransitionError(
            "f", expected_state="s", expected_version=1, found_state="t", found_version=2
        ),
        {
            "file_path": "f",
            "expected_state": "s",
            "expected_version": 1,
            "found_state": "t",
            "found_version": 2,
        },
    ),
    (OutcomeUnknownError("i", "f", "cause"), {"attempt_id": "i", "file_path": "f"}),
    (
        AfterCommitError("i", "f", "s", 3),
        {"attempt_id": "i", "file_path": "f", "state": "s", "version": 3},
    ),
    (AttemptReusedError("i"), {"attempt_id": "i"}),
    (FileNotTrackedError("f"), {"file_path": "f"}),
    (FileAlreadyTrackedError("f"), {"file_path": "f"}),
    (
        UnknownStateError("f", 5, ["b", "a"]),
        {"file_path": "f", "state": 5, "states": ("a", "b")},
    ),
    (RowCountError(1, 0), {"write_index": 1, "row_count": 0}),
    (CommitFailedError("a.db", "cause"), {"cause": "cause"}),
]


@pytest.mark.parametrize(("error", "fields"), CARRIED, ids=[type(e).__name__ for e, _ in CARRIED])
def test_an_error_carries_what_it_says(error: FsmCoreError, fields: dict[str, object]) -> None:
    """What a caller decides by is an attribute, and need not be read out of the sentence."""
    assert fields == vars(error)


def test_no_error_that_carries_anything_is_missing_above() -> None:
    """A class with an ``__init__`` of its own has something to carry."""
    public = {thing for name in fsmcore.__all__ if inspect.isclass(thing := getattr(fsmcore, name))}
    carrying = {
        each for each in public if issubclass(each, FsmCoreError) and "__init__" in vars(each)
    }
    assert carrying | {RowCountError, CommitFailedError} == {type(error) for error, _ in CARRIED}
