"""Every command of the simulation ends with its line and its exit code, whatever it is asked."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from properties.session import UsageError
from properties.simulation import containment, corpus, determinism, exhaustive, rates, replay
from properties.simulation.explore import explore
from properties.simulation.holes import HOLES
from properties.simulation.scenarios import scenario

ROOT = Path(__file__).resolve().parents[3]
LOST = "kept-lost-update-2/overlaps=1@3:1"


def _entry(**changes: Any) -> corpus.Entry:
    path = corpus.FOLDER / "kept-lost-update-2-3.1.json"
    return dataclasses.replace(corpus.read(path), **changes)


def _replay(tmp_path: Path, schedule: str) -> int:
    return replay.main([schedule, "--record", str(tmp_path / "record.json")])


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("nosuch.json", "nosuch.json: no such file"),
        ("/dev", "/dev is a folder; name a file in it"),
        ("no-such@1:1", "no scenario 'no-such'"),
        ("lone-2@x", "'lone-2@x' is no schedule"),
        ("lone-2/oops=1@1:1", "no budget 'oops'"),
        ("lone-2/overlaps=x@1:1", "is no schedule"),
        ("lone-2@-1:1", "counts from 0"),
        ("drawn.handrolled.untracked.nosuch@1:1", "no scenario 'drawn.handrolled"),
    ],
)
def test_what_names_no_schedule_is_usage(asked: str, said: str, tmp_path: Path) -> None:
    """A missing file, a token that does not decode, a budget that nobody has."""
    with pytest.raises(UsageError) as caught:
        _replay(tmp_path, asked)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    "text", ["[]", "{", '{"scenario": "lone-2"}', '{"schedule": [{"at": {}}]}']
)
def test_a_file_that_holds_no_schedule_is_usage(text: str, tmp_path: Path) -> None:
    """Its name, and what is wrong with it."""
    path = tmp_path / "a.json"
    path.write_text(text)
    with pytest.raises(UsageError, match=r"a\.json: no schedule of the corpus"):
        _replay(tmp_path, str(path))


def test_a_schedule_that_ends_as_recorded_passes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The file, and its token."""
    assert 0 == _replay(tmp_path, str(corpus.write(_entry(), tmp_path)))
    assert 0 == _replay(tmp_path, LOST)
    last = capsys.readouterr().out.splitlines()[-1]
    assert "replay: pass: 1 schedules on inline; 1 broken on purpose, as they should be" == last


def test_a_control_that_breaks_says_that_it_should(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Searched, and replayed as recorded: the law is broken there, and that is the point."""
    record = ["--record", str(tmp_path / "record.json")]
    assert 0 == exhaustive.main(["--scenario", "lost-update-2", *record])
    said = capsys.readouterr().out
    assert "    broken on purpose: breaks as it should, in " in said
    assert "0 outcomes broke a law; 1 scenarios broken on purpose do as they should" in said
    assert 0 == _replay(tmp_path, str(corpus.write(_entry(), tmp_path)))
    assert "\nbroken on purpose, as recorded: 2 attempts were told ok" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"breaks": "2 attempts were told ok, and the value is 0"},
            "told ok, and the value is 0; now: broken: 2 attempts were told ok, and the value is 1",
        ),
        ({"breaks": None}, "recorded: the law holds; now: broken: 2 attempts were told ok"),
        ({"outcome": "a: ok, b: busy; (1, 2)"}, "recorded: b: busy; now: b: ok"),
        ({"outcome": "a: ok, b: ok; (1, 3)"}, "recorded: (1, 3); now: (1, 2)"),
    ],
)
def test_another_end_than_the_recorded_one_fails_and_is_named(
    changes: dict[str, Any], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What was broken is compared first, then the outcome; the first difference is said."""
    path = corpus.write(_entry(**changes), tmp_path)
    assert 1 == _replay(tmp_path, str(path))
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("replay: fail: 1 schedules on inline; 1 not as they should be: ")
    assert said in last


def test_a_schedule_that_does_not_fit_is_unknown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Code that moved on needs a new schedule, and says nothing about the law."""
    path = corpus.write(_entry(does={3: "land z"}), tmp_path)
    assert 3 == _replay(tmp_path, str(path))
    assert "does not fit this code" in capsys.readouterr().out.splitlines()[-1]


@pytest.mark.parametrize(
    ("main", "arguments"),
    [
        (determinism.main, ["--seeds", "0"]),
        (determinism.main, ["--python", "no such python"]),
        (rates.main, ["--runs", "0"]),
        (exhaustive.main, ["--run-limit", "0"]),
        (exhaustive.main, ["--cancellations", "-1"]),
        (containment.main, ["--controls", "0"]),
        (containment.main, ["--walks", "0"]),
    ],
    ids=str,
)
def test_a_size_that_asks_nothing_is_usage(
    main: Callable[[list[str]], int], arguments: list[str]
) -> None:
    """Nothing walked would be a pass of nothing."""
    with pytest.raises(UsageError, match=arguments[0]):
        main(arguments)


COMMANDS = {
    "replay": [LOST] * 20_000,
    "determinism": ["--carrier", "inline", "--seeds", "1"],
    "exhaustive": [],
    "containment": [],
    "rates": [],
}


def _started(name: str, *arguments: str, **options: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-u", "-m", f"properties.simulation.{name}", *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": "0"},
        stdout=subprocess.PIPE,
        text=True,
        **options,
    )


@pytest.mark.parametrize("name", COMMANDS)
def test_an_interrupt_is_invalid(name: str, tmp_path: Path) -> None:
    """Ctrl-C while it runs: the last line says so, and no traceback takes its place."""
    options = ["--record", str(tmp_path / "record.json")]
    with _started(name, *COMMANDS[name], *options, stderr=subprocess.STDOUT) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        printed = process.stdout.read().splitlines()
    assert f"{name}: invalid: interrupted" == printed[-1]
    assert 130 == process.returncode
    assert not any("Traceback" in line for line in printed)


FINALIZED = """
import signal, time
from properties.session import run

class Careless:
    def __del__(self):
        signal.raise_signal(signal.SIGINT)

def session():
    Careless()
    time.sleep(60)

run("careless", session)
"""


def test_an_interrupt_that_meets_a_finalizer_is_not_lost() -> None:
    """Where an exception cannot get out it comes again: no session goes on after Ctrl-C."""
    ended = subprocess.run(
        [sys.executable, "-c", FINALIZED], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (130, "careless: invalid: interrupted\n", "") == (
        ended.returncode,
        ended.stdout,
        ended.stderr,
    )


def test_a_reader_who_leaves_early_does_not_change_the_exit_code(tmp_path: Path) -> None:
    """As ``| head -1`` does: the record is written, and a failure stays one."""
    record = tmp_path / "record.json"
    kept = corpus.write(_entry(breaks=None), tmp_path)
    arguments = [str(kept)] * 20
    with _started("replay", *arguments, "--record", str(record), stderr=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        said = process.stderr.read()
    assert (1, False) == (process.returncode, "Traceback" in said)
    assert "fail" == json.loads(record.read_text())["verdict"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--real-runs", "1"], "0 with two or more real outcomes"),
        (["--run-limit", "2"], "1 searches not explored to the end"),
    ],
)
def test_a_containment_that_proves_nothing_is_unknown(
    arguments: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Real threads that show one outcome, or a search that was not over, are no proof."""
    monkeypatch.setattr(containment, "HOLES", ())
    record = tmp_path / "record.json"
    asked = ["--scenario", "kept-lost-update-2", "--walks", "30", "--controls", "3"]
    assert 3 == containment.main([*asked, "--record", str(record), *arguments])
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("containment: unknown: 1 scenarios, 0 outcomes outside")
    assert said in last
    assert "unknown" == json.loads(record.read_text())["verdict"]


def test_a_containment_that_holds_passes_and_a_hole_that_is_missed_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same scenario, with real threads enough; then with a hole that is none."""
    asked = ["--scenario", "lone-2", "--walks", "30", "--controls", "3"]
    asked += ["--record", str(tmp_path / "record.json")]
    monkeypatch.setattr(containment, "HOLES", ())
    real = {*explore(scenario("lone-2")).outcomes}
    monkeypatch.setattr(containment, "real_outcomes", lambda *_, **__: real)
    assert 0 == containment.main(asked)
    hole = dataclasses.replace(HOLES[0], spend={})
    monkeypatch.setattr(containment, "HOLES", (hole,))
    assert 1 == containment.main(asked)
