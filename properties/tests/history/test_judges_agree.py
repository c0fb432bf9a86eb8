"""Four judges say the same of drawn histories, and a disagreement is shown at its smallest."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from properties.history import crosscheck
from properties.history.checker import EVERY_OTHER_READING, check
from properties.history.crosscheck import compared, disagree, opinions, smallest
from properties.history.generate import KINDS, drawn
from properties.history.intervals import EVERY_RULE, Rule
from properties.history.search import search

ROOT = Path(__file__).resolve().parents[3]


def test_all_judges_agree() -> None:
    """And each sort of history, and each verdict, was among them."""
    tally = compared(20, range(1500))
    assert [] == tally.disagreements
    assert 0 == sum(tally.counts[f"unknown to {judge}"] for judge in ("intervals", "search"))
    assert {500} == {tally.counts[kind] for kind in KINDS}
    assert tally.counts["ok"] > 300 and tally.counts["illegal"] > 300


def test_the_two_that_are_named_contradict_each_other() -> None:
    """With nothing but the writers beside them the history is illegal still.

    Where several readings fail, each has two of its own, and the sentence says so.
    """
    named = 0
    for index in range(1500):
        history = drawn(20, index)[1]
        judgement = check(history)
        broken = judgement.contradiction
        if broken is None or judgement.key is None or EVERY_OTHER_READING in broken.sentence:
            continue
        named += 1
        pair = (broken.first, broken.second)
        records = [
            each
            for each in history.by_key()[judgement.key]
            if each in pair or each.is_write or each.may_have_written
        ]
        assert False is search(records, history.initial[judgement.key]), judgement.told()
    assert named > 300


def test_a_history_is_drawn_again() -> None:
    """The same seed and number give the same history, and others another one."""
    assert drawn(3, 7) == drawn(3, 7)
    assert drawn(3, 7) != drawn(4, 7)


def test_a_disagreement_is_made_small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A checker without real time is caught, and two operations are left over."""
    forgetful = EVERY_RULE - {Rule.REAL_TIME_ORDER}
    monkeypatch.setattr(crosscheck, "check", lambda history: check(history, rules=forgetful))
    for index in range(1500):
        history = drawn(1, index)[1]
        if disagree(opinions(history, "")):
            break
    else:
        pytest.fail("no history needs real time")
    least = smallest(history, lambda each: disagree(opinions(each, "")))
    assert len(least.records) <= 2
    tally = compared(1, range(index, index + 1))
    (told,) = tally.disagreements
    assert "intervals says legal, search says illegal, detangle says illegal" in told
    assert told.endswith(f"Again: python -m properties.history.crosscheck --seed 1 --only {index}")


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "properties.history.crosscheck", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_command_counts(tmp_path: Path) -> None:
    """The last line and the record say how many were what."""
    record = tmp_path / "r.json"
    done = _run("--histories", "90", "--seed", "2", "--processes", "1", "--record", str(record))
    assert 0 == done.returncode, done.stderr
    line = done.stdout.splitlines()[-1]
    assert line.startswith("crosscheck: pass: 90 histories, ")
    assert line.endswith(" unknown; 0 disagreements, seed 2")
    figures = json.loads(record.read_text())["figures"]
    assert (90, 90, 90) == tuple(
        figures[f"asked {judge}"] for judge in ("intervals", "search", "detangle")
    )


def test_no_histories_are_usage() -> None:
    """None compared is none in agreement."""
    done = _run("--histories", "0")
    assert (2, "crosscheck: usage: nothing was asked\n") == (done.returncode, done.stdout)
