"""``--python`` takes a version, a name or a path; one that is not there is usage."""

from __future__ import annotations

import dataclasses
import os
import platform
import sys
from pathlib import Path

import pytest

from properties import interpreters
from properties.interpreters import Interpreter
from properties.session import CannotJudgeError, UsageError
from properties.simulation import determinism
from properties.simulation.determinism import Way, different

BASE = Path(sys._base_executable)  # type: ignore[attr-defined]
VERSION = platform.python_version()
MINOR = VERSION.rpartition(".")[0]


def _program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine whose path has one folder, whose pyenv has nothing, and that has no uv."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    monkeypatch.setattr(interpreters, "uv", _no_uv)
    (tmp_path / "bin").mkdir()
    return tmp_path


def _no_uv(_session: str) -> str:
    raise CannotJudgeError("uv is not installed.")


@pytest.mark.parametrize("asked", [MINOR, VERSION, f"python{MINOR}", f"cpython-{VERSION}"])
def test_a_version_is_found_on_the_path(asked: str, folder: Path) -> None:
    """By its minor version, whole, and as the name of a program."""
    _program(folder / "bin" / f"python{MINOR}", f'exec "{BASE}" "$@"')
    assert VERSION == interpreters.found(asked).version


@pytest.mark.parametrize("asked", [MINOR, f"python{MINOR}"])
def test_pyenvs_name_for_a_version_that_is_not_active_is_passed_over(
    asked: str, folder: Path
) -> None:
    """It stands on the path and only refuses; the version itself lies among pyenv's."""
    _program(
        folder / "bin" / f"python{MINOR}", f"echo pyenv: python{MINOR}: not active >&2\nexit 127"
    )
    real = _program(
        folder / "pyenv" / "versions" / VERSION / "bin" / "python", f'exec "{BASE}" "$@"'
    )
    assert real == interpreters.found(asked).path


def test_pyenvs_newest_is_taken(folder: Path) -> None:
    """Versions are numbers: 3.x.10 comes after 3.x.9, and pyenv's own virtualenvs are none."""
    names = (f"{MINOR}.9", f"{MINOR}.10", f"{MINOR}.11-mine")
    for name in names:
        _program(folder / "pyenv" / "versions" / name / "bin" / "python", f'exec "{BASE}" "$@"')
    assert names[1] == interpreters.found(MINOR).path.parents[1].name


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("3.99", "no such Python on the path, among pyenv's or among uv's. Install it"),
        ("python3.99", "`uv python install 3.99`"),
        ("nosuch", "no such program on the path. Give a version such as 3.12"),
        ("/no/such/python", "there is no program of that name"),
        ("refusing", "ended with 3: not today"),
        ("babbling", "is no Python"),
        ("old", "older than 3.11"),
    ],
)
def test_an_interpreter_that_is_not_there_is_usage(asked: str, said: str, folder: Path) -> None:
    """With what to do about it, and no folder of anybody's in the message."""
    _program(folder / "bin" / "refusing", "echo not today >&2\nexit 3")
    _program(folder / "bin" / "babbling", "echo hello")
    told = '{"version": "3.10.13", "implementation": "CPython", "sqlite": "3", "libraries": {}}'
    _program(folder / "bin" / "old", f"echo '{told}'")
    with pytest.raises(UsageError) as caught:
        determinism.main(["--python", asked, "--seeds", "1"])
    assert said in str(caught.value)
    assert str(folder) not in str(caught.value)


def test_a_python_with_our_libraries_is_taken_as_it_is() -> None:
    """Nothing is made for it."""
    ours = interpreters.here()
    assert Path(sys.executable) == interpreters.equipped(sys.executable, ours).path


def test_a_python_with_other_libraries_is_refused() -> None:
    """Their calls differ, so their transcripts would."""
    ours = interpreters.here()
    others = dataclasses.replace(ours, libraries={**ours.libraries, "aiosqlite": "0.1"})
    with pytest.raises(UsageError, match=r"its aiosqlite is .*, here it is 0\.1"):
        interpreters.equipped(sys.executable, others)


def test_a_bare_python_gets_the_libraries_of_the_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In an environment of its own, which then walks as this one does."""
    monkeypatch.setattr(interpreters, "ENVIRONMENTS", tmp_path / "a b's")
    ours = interpreters.here()
    bare = dataclasses.replace(ours, path=BASE, libraries=dict.fromkeys(ours.libraries))
    monkeypatch.setattr(interpreters, "found", lambda _asked: bare)
    made = interpreters.equipped(MINOR, ours)
    assert ours.libraries == made.libraries
    assert (tmp_path / "a b's") in made.path.parents
    ways = [Way(python=each, hash_seed="0", carrier_name="inline") for each in (ours, made)]
    assert {} == different({way: way.ask("--seeds", "1") for way in ways})


def _way(carrier_name: str, **changes: str) -> Way:
    python = Interpreter(
        path=Path("python"), version="3", implementation="C", sqlite="3.40", libraries={}
    )
    return Way(
        python=dataclasses.replace(python, **changes),  # type: ignore[arg-type]
        hash_seed="0",
        carrier_name=carrier_name,
    )


def test_two_digests_of_one_seed_are_seen() -> None:
    """Of transcripts always; of files where the same SQLite wrote them."""
    one, other, newer = _way("inline"), _way("thread"), _way("inline", sqlite="3.51")
    same = [["0 lone-2", "t:f"], ["1 lone-3", "t:f"]]
    assert {} == different({one: same, other: same, newer: [["0 lone-2", "t:g"]]})
    found = different({one: same, other: [["0 lone-2", "u:f"], ["1 lone-3", "t:g"]]})
    assert {
        "0 lone-2": (one, other, "transcripts"),
        "1 lone-3": (one, other, "files of SQLite 3.40"),
    } == found


def test_where_two_ways_differ_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A walk that follows the hash seed fails the session, with its first event that differs."""
    original = Way.ask

    def ask(way: Way, *arguments: str) -> object:
        told = original(way, *arguments)
        if way.hash_seed == "1":
            told = [*told[:-1], ["0 lone-2", "u:f"] if "--seeds" in arguments else "another end"]
        return told

    monkeypatch.setattr(Way, "ask", ask)
    code = determinism.main(
        ["--seeds", "1", "--carrier", "inline", "--record", str(tmp_path / "record.json")]
    )
    said = capsys.readouterr().out
    assert 1 == code
    assert "PYTHONHASHSEED=0 inline, and " in said
    assert "'another end'" in said
    assert "1 seeds with more than one digest" in said.splitlines()[-1]
    assert os.path.exists(tmp_path / "record.json")
