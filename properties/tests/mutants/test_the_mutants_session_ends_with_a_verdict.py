"""The command as its users have it: in a process of its own, with a record and a last line."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from properties.mutants import documents
from properties.mutants.order import in_order
from properties.mutants.registry import all_mutants
from properties.session import ROOT
from reports.schema import LawVerdict, MutantsRecord, Verdict, read

LAW = "cancellation_anywhere_leaves_nothing_behind"
OTHER = "a_caller_reads_its_own_write"


def _command(folder: Path, *options: str) -> list[str]:
    files = ("--record", str(folder / "record.json"), "--progress", str(folder / "p.jsonl"))
    return [sys.executable, "-m", "properties.mutants", *files, *options]


def _run(folder: Path, *options: str) -> tuple[int, list[str], MutantsRecord | None]:
    done = subprocess.run(
        _command(folder, *options), cwd=ROOT, capture_output=True, text=True, check=False
    )
    record = folder / "record.json"
    return (
        done.returncode,
        done.stdout.splitlines(),
        read(record, MutantsRecord) if record.exists() else None,
    )


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8", errors="replace")
    except OSError:
        return ""  # it has ended meanwhile


def test_a_mutant_is_killed_and_shown(tmp_path: Path) -> None:
    """By its law, with the smallest schedule; the untouched subject keeps that law."""
    name = "the_row_count_is_ignored"
    code, lines, record = _run(tmp_path, "--mutant", name, "--law", LAW)
    assert record is not None
    (made,) = record.mutants
    assert {"handrolled-unlocked": {LAW: LawVerdict.PASS}} == record.untouched
    assert (LAW, {LAW: LawVerdict.FAIL}) == (made.killed_by, made.verdicts)
    assert 0 < made.line_count <= 15
    assert "minimal: 1 deviation" in (made.counterexample or "")
    assert (0, Verdict.PASS, record.last_line) == (code, record.verdict, lines[-1])
    assert not (tmp_path / "p.jsonl").exists()


def test_a_law_is_asked_twice_in_a_row(tmp_path: Path) -> None:
    """With few cases and with all: alone it has no other law in between, and its fixtures anew."""
    law = "whoever_waits_gets_its_turn"
    assert [f"{law}@brief", law] == in_order([law])
    code, lines, record = _run(tmp_path, "--mutant", "every_attempt_is_remembered", "--law", law)
    assert record is not None
    assert [{law: LawVerdict.PASS}] == list(record.untouched.values()), lines
    assert (1, Verdict.FAIL) == (code, record.verdict)


def test_a_survivor_fails(tmp_path: Path) -> None:
    """Loudly: a law that does not see it was the only one asked."""
    name = "the_row_count_is_ignored"
    code, lines, record = _run(tmp_path, "--mutant", name, "--law", OTHER)
    assert record is not None
    assert (1, Verdict.FAIL) == (code, record.verdict)
    assert f"short: {name} survives" in lines


def test_over_seeds_with_baselines(tmp_path: Path) -> None:
    """Each instrument has its trials; what was found is no later than the cap."""
    options = ("--seeds", "2", "--baseline-seeds", "1", "--law", LAW)
    code, lines, record = _run(tmp_path, "--mutant", "the_row_count_is_ignored", *options)
    assert record is not None
    assert [("laws", 2), ("gather", 1), ("machine", 1)] == [
        (each.instrument, len(each.cpu_s)) for each in record.discoveries
    ]
    mine = record.discoveries[0]
    assert {LAW: 2} == mine.killers
    assert all(time is not None and 0 < time <= mine.cap_s for time in mine.cpu_s)
    assert (0, record.last_line) == (code, lines[-1])


def test_an_interrupt_leaves_nothing_running_and_loses_nothing(tmp_path: Path) -> None:
    """What was finished is kept, what was under way is killed."""
    options = ("--mutant", "the_row_count_is_ignored", "--seeds", "40", "--baseline-seeds", "0")
    with subprocess.Popen(
        _command(tmp_path, *options, "--jobs", "1", "--law", LAW),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        # SIGTERM and not SIGINT, which is ignored by whatever was started in the background.
        path = tmp_path / "p.jsonl"
        while process.poll() is None and (not path.exists() or path.read_bytes().count(b"\n") < 4):
            os.sched_yield()
        process.send_signal(signal.SIGTERM)
        assert process.stdout is not None
        lines = process.stdout.read().splitlines()
    assert (130, "mutants: invalid: interrupted") == (process.returncode, lines[-1])
    ours = [each for each in Path("/proc").glob("[0-9]*/cmdline") if str(path) in _read(each)]
    assert [] == ours, "a trial outlives its session"
    assert path.read_bytes().count(b"\n") >= 4


@pytest.mark.parametrize("options", [("--mutant", "nobody"), ("--law", "assume_a_lock_is_fair")])
def test_what_is_not_there_is_usage(tmp_path: Path, options: tuple[str, ...]) -> None:
    """It says so, and asks nothing."""
    code, lines, record = _run(tmp_path, *options)
    assert (2, ["mutants: usage: nothing was asked"], None) == (code, lines, record)


def test_the_page_has_a_place_for_each_table(tmp_path: Path) -> None:
    """The command can write to it, and writes nothing else."""
    text = documents.PAGE.read_text("utf-8")
    new = {name: ["a line"] for name in documents.SECTIONS}
    written = documents.replaced(text, new)
    assert ["\na line\n"] * 2 == [documents.section(written, name) for name in documents.SECTIONS]
    with pytest.raises(documents.PageError):
        documents.replaced("no section", new)


def test_the_page_is_about_the_mutants_that_there_are() -> None:
    """All of them, and no others: else `nox -s mutants -- --write-docs` is due."""
    kills = documents.section(documents.PAGE.read_text("utf-8"), "kills")
    told = [line.split("`")[1] for line in kills.splitlines() if line.startswith("| `")]
    assert sorted(all_mutants()) == sorted(told) or not told
