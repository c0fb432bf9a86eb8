"""Databases lie in a folder of their own, which goes, also after a run that was killed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from benchmarks import folders


def test_the_folder_goes_whatever_happens(tmp_path: Path) -> None:
    """An error inside takes the folder and its files with it."""

    def fails_with_a_database() -> None:
        with folders.scratch(tmp_path) as folder:
            (folder / "some.sqlite3").write_bytes(b"rows")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails_with_a_database()
    assert [] == list(tmp_path.iterdir())


def test_what_a_killed_run_left_is_swept_and_nothing_else(tmp_path: Path) -> None:
    """Older than any run can be: gone. Younger, or not ours: kept."""
    names = ("fsmcore-benchmarks-old", "fsmcore-benchmarks-new", "somebody-else")
    for name in names:
        (tmp_path / name).mkdir()
    for name in (names[0], names[2]):
        os.utime(tmp_path / name, (0, 0))
    with folders.scratch(tmp_path):
        pass
    assert ["fsmcore-benchmarks-new", "somebody-else"] == sorted(os.listdir(tmp_path))


def test_memory_without_room_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A container may have 64 MiB there, or nothing at all."""
    monkeypatch.setattr(folders, "IN_MEMORY", tmp_path)
    assert tmp_path == folders.default_parent()
    monkeypatch.setattr(folders, "NEEDED_BYTES", 1 << 62)
    assert tmp_path != folders.default_parent()
    monkeypatch.setattr(folders, "IN_MEMORY", tmp_path / "missing")
    assert tmp_path / "missing" != folders.default_parent()
