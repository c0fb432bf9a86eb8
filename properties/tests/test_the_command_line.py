"""`python -m properties` as its users call it: real processes, few laws."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
ONE_LAW = ("--profile", "gate", "--law", "assume_a_refused_event_raises")


def _run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "properties", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_held_law_is_recorded(tmp_path: Path) -> None:
    """Law by law on stdout, the record as JSON, the gate's command, and the last line."""
    record = tmp_path / "a b'c" / "laws.json"
    done = _run(*ONE_LAW, "--record", str(record), "--seed", "7")
    assert 0 == done.returncode, done.stderr
    lines = done.stdout.splitlines()
    assert "properties: pass: 1 of 1 laws hold; 0 examples, 0 attempts, seed 7" == lines[-1]
    assert "nox -s gate -- " in lines[-2]
    (law,) = json.loads(record.read_text())["laws"]
    told = (law["law"], law["verdict"], law["kind"], law["leans_on"] is None)
    assert ("assume_a_refused_event_raises", "pass", "assumption", False) == told


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--law", "nosuch"), "no law is named 'nosuch'"),
        (("--subject", "nosuch"), "no subject is named 'nosuch'"),
        (("--profile", "nosuch"), "invalid choice: 'nosuch'"),
        (("--seed", "x"), "invalid int value: 'x'"),
    ],
)
def test_bad_options_say_what_to_do(arguments: tuple[str, ...], said: str) -> None:
    """Exit code 2, a sentence, nothing asked."""
    done = _run(*arguments)
    assert (2, "properties: usage: nothing was asked\n") == (done.returncode, done.stdout)
    assert said in done.stderr


def test_no_law_is_left_out_by_the_callers_options(tmp_path: Path) -> None:
    """What pytest is told by the environment would choose laws in silence."""
    record = str(tmp_path / "r.json")
    done = _run(*ONE_LAW, "--record", record, PYTEST_ADDOPTS="--setup-only -k nosuch")
    assert 0 == done.returncode, done.stdout
    assert "1 of 1 laws hold" in done.stdout.splitlines()[-1]


def test_a_record_that_cannot_be_written_is_no_pass(tmp_path: Path) -> None:
    """The path is a folder: the laws were asked, and nobody could ever read it."""
    done = _run(*ONE_LAW, "--record", str(tmp_path))
    assert 4 == done.returncode
    assert "properties: invalid: " in done.stdout.splitlines()[-1]


def test_laws_that_cannot_be_collected_are_invalid(tmp_path: Path) -> None:
    """A library that cannot be imported: no law was asked, so none holds."""
    (tmp_path / "statemachine.py").write_text("raise ImportError('planted')\n")
    done = _run(*ONE_LAW, "--record", str(tmp_path / "r.json"), PYTHONPATH=str(tmp_path))
    assert 4 == done.returncode
    assert "properties: invalid: nothing was asked" == done.stdout.splitlines()[-1]
    assert "the subjects cannot be imported: ImportError('planted')" in done.stderr
    assert not (tmp_path / "r.json").exists()
