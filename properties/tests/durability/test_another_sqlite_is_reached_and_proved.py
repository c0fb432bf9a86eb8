"""The launcher: another SQLite from the package index, whole or not at all, proved from inside."""

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from properties.durability import launcher
from properties.durability.launcher import own, reach, releases
from properties.durability.run import Run
from properties.durability.workloads import WORKLOADS
from properties.session import ROOT, CannotJudgeError, UsageError

FIXED = "3.51.3"
only_linux = pytest.mark.skipif(
    sys.platform != "linux", reason="another SQLite is put under CPython on Linux only"
)


def test_the_interpreters_own_needs_no_index(tmp_path: Path) -> None:
    """By name or by default; nothing is fetched."""
    here = own()
    assert here == reach(None, tmp_path) == reach(here.version, tmp_path)
    assert [] == list(tmp_path.iterdir())


def test_a_version_that_nobody_offers_is_a_usage_error(tmp_path: Path) -> None:
    """It says which there are."""
    with pytest.raises(UsageError, match=r"SQLite 3\.51\.2 cannot be reached.*3\.51\.3"):
        reach("3.51.2", tmp_path)


@only_linux
def test_without_an_index_nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Offline, and nothing in the cache: a sentence with a way out, and no folder half-made."""
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "empty"))
    with pytest.raises(CannotJudgeError, match=r"cannot be had: .*UV_DEFAULT_INDEX"):
        reach(FIXED, tmp_path / "sqlites")
    assert [] == list((tmp_path / "sqlites").iterdir())


@only_linux
def test_an_interrupted_fetch_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C in the middle: the next run begins anew."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(launcher, "_install", interrupt)
    with pytest.raises(KeyboardInterrupt):
        reach(FIXED, tmp_path)
    assert [] == list(tmp_path.iterdir())


@only_linux
def test_processes_on_another_sqlite_prove_it_and_lose_nothing(tmp_path: Path) -> None:
    """From a folder whose name no LD_PRELOAD could take; a release with the fix holds the law."""
    sqlite = reach(FIXED, tmp_path / "a b:c'd")
    assert (FIXED, releases()[FIXED].source_id) == (sqlite.version, sqlite.source_id)
    assert sqlite.library is not None and sqlite == reach(FIXED, tmp_path / "a b:c'd")
    outcome = Run(
        WORKLOADS["wal-reset"],
        sqlite,
        seconds=3,
        process_count=2,
        choices=random.Random(1),
        progress=lambda _: None,
    ).judge()
    assert outcome.is_clean, outcome


@only_linux
def test_another_sqlite_reaches_no_other_program() -> None:
    """A program started by such a process is on its own SQLite again."""
    sqlite = reach(FIXED)
    done = subprocess.run(
        sqlite.command("properties.tests.durability.planted.asking"),
        capture_output=True,
        text=True,
        check=True,
    )
    assert [FIXED, own().version] == done.stdout.split()


@only_linux
def test_the_laws_can_be_asked_on_another_sqlite(tmp_path: Path) -> None:
    """As a command, for who starts processes: the record itself says which SQLite it was."""
    record = tmp_path / "laws.json"
    law = ("--profile", "gate", "--law", "assume_a_refused_event_raises")
    asked = ("properties.durability.on", FIXED, "properties", *law, "--record", str(record))
    done = subprocess.run(
        [sys.executable, "-m", *asked], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert 0 == done.returncode, done.stderr
    here = json.loads(record.read_text())["environment"]
    release = releases()[FIXED]
    assert (FIXED, release.source_id) == (here["sqlite_version"], here["sqlite_source_id"])


@only_linux
def test_without_a_module_a_sqlite_is_only_fetched() -> None:
    """Whoever builds an environment learns before anything runs whether it can be had."""
    done = subprocess.run(
        [sys.executable, "-m", "properties.durability.on", FIXED],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (0, f"on: pass: SQLite {FIXED} is here\n") == (done.returncode, done.stdout)


def test_a_command_without_a_version_is_a_usage_error() -> None:
    """It says what to give."""
    done = subprocess.run(
        [sys.executable, "-m", "properties.durability.on"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (2, "on: usage: nothing was asked\n") == (done.returncode, done.stdout)
    assert "VERSION [MODULE" in done.stderr


def test_every_release_on_the_map_is_told_once_with_its_source_id() -> None:
    """The source id is what a process must prove, so each line has one of its own."""
    known = releases()
    assert len(known) == len({release.source_id for release in known.values()})
    assert {"3.40.0", "3.51.1", "3.51.3", "3.54.1"} <= set(known)
