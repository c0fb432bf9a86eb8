"""`python -m properties` as its users call it: real processes, few laws."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from properties import scratch

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
        (("--minutes", "x"), "x is no number of minutes above 0"),
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


def test_a_record_that_cannot_be_written_is_told_first(tmp_path: Path) -> None:
    """The path is a folder, given from where the caller stands: nobody could ever read it."""
    done = _run(*ONE_LAW, "--record", "here", FSMCORE_INVOKED_FROM=_folder(tmp_path, "here"))
    assert (2, "properties: usage: nothing was asked\n") == (done.returncode, done.stdout)
    assert f"{tmp_path}/here is a folder; name a file in it" in done.stderr


def _folder(parent: Path, name: str) -> str:
    (parent / name).mkdir()
    return str(parent)


def test_who_is_interrupted_says_what_was_judged(tmp_path: Path) -> None:
    """And leaves no record of an earlier run to be taken for this one."""
    record = tmp_path / "laws.json"
    record.write_text("of an earlier run")
    command = [sys.executable, "-m", "properties", "--law", "assume_a_refused_event_raises"]
    command += ["--law", "the_history_is_linearizable", "--profile", "ci"]
    with subprocess.Popen(
        [*command, "--record", str(record)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stderr is not None
        for line in running.stderr:
            if "exploring" in line:
                running.send_signal(signal.SIGTERM)
                break
        said, _ = running.communicate(timeout=120)
    assert 130 == running.returncode
    assert "assume_a_refused_event_raises [the libraries]: " in said
    assert "properties: invalid: interrupted" == said.splitlines()[-1]
    assert not record.exists() or "of an earlier run" not in record.read_text()


def test_the_folders_of_a_killed_run_are_swept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If nobody has touched them for a while; those of the living stay."""
    monkeypatch.setattr(scratch, "MEMORY_FOLDER", str(tmp_path))
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait()
    old = [tmp_path / f"{scratch.PREFIX}{each} x" for each in (gone.pid, os.getpid())]
    young = tmp_path / f"{scratch.PREFIX}{gone.pid} y"
    for each in (*old, young):
        each.mkdir()
    for each in old:
        os.utime(each, (0, 0))
    scratch.sweep_scratch_folders()
    assert [False, True, True] == [each.exists() for each in (*old, young)]


def test_laws_that_cannot_be_collected_are_invalid(tmp_path: Path) -> None:
    """A library that cannot be imported: no law was asked, so none holds."""
    (tmp_path / "statemachine.py").write_text("raise ImportError('planted')\n")
    done = _run(*ONE_LAW, "--record", str(tmp_path / "r.json"), PYTHONPATH=str(tmp_path))
    assert 4 == done.returncode
    assert "properties: invalid: nothing was asked" == done.stdout.splitlines()[-1]
    assert "the subjects cannot be imported: ImportError('planted')" in done.stderr
    assert not (tmp_path / "r.json").exists()
