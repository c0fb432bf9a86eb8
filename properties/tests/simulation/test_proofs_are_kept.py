"""What ``--prove`` has shown is kept cell by cell; and how large a tree is, paths guess well."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from properties.session import UsageError
from properties.simulation import exhaustive, footprints, guessing, proving
from properties.simulation.budget import Budget
from properties.simulation.explore import explore
from properties.simulation.scenarios import scenario

SCENARIOS = ("--scenario", "lone-2", "--scenario", "shared-2")


def _prove(folder: Path, *more: str) -> int:
    record = str(folder / "record.json")
    return exhaustive.main(
        [
            "--prove",
            "--overlaps",
            "0",
            *SCENARIOS,
            "--state",
            str(folder),
            "--record",
            record,
            *more,
        ]
    )


def test_a_proof_goes_on_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A cell that is kept is read, and not searched again."""
    assert 0 == _prove(tmp_path)
    first = capsys.readouterr().out

    def search(*_: object, **__: object) -> proving.Proof:
        raise AssertionError("searched again")

    monkeypatch.setattr(proving, "proof", search)
    assert 0 == _prove(tmp_path)
    assert first == capsys.readouterr().out
    assert "2 searches end as the unreduced ones, 0 do not" in first


def test_shards_of_a_proof_come_together(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each cell in one of them; together they are the whole, and without one they are not."""
    assert 0 == _prove(tmp_path, "--shard", "1/2")
    assert "1 searches of shard 1/2 end as" in capsys.readouterr().out
    with pytest.raises(UsageError, match=r"shared-2 c0 e0 o0 is not proved there yet"):
        _prove(tmp_path, "--merge")
    assert 0 == _prove(tmp_path, "--shard", "2/2")
    capsys.readouterr()
    assert 0 == _prove(tmp_path, "--merge")
    assert "2 searches end as the unreduced ones" in capsys.readouterr().out


def test_a_proof_of_other_code_is_not_read(tmp_path: Path) -> None:
    """It would prove nothing of this one."""
    assert 0 == _prove(tmp_path)
    with pytest.raises(UsageError, match=r"limit was '20000', now '19'"):
        _prove(tmp_path, "--run-limit", "19")


def test_a_search_that_loses_an_outcome_fails_the_proof(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With what was lost, in words."""
    monkeypatch.setattr(footprints, "QUEUES", 0)
    assert 1 == _prove(tmp_path)
    said = capsys.readouterr().out
    assert "only unreduced: a: stale, b: ok; (1, 1)" in said
    assert "1 do not" in said.splitlines()[-1]


@pytest.mark.parametrize(
    ("name", "budget"),
    [
        ("lone-3", Budget()),
        ("kept-occ-2", Budget(cancellations=1)),
        ("lone-2", Budget(cancellations=2)),
        ("in-time-2", Budget(early_clocks=1)),
    ],
)
def test_a_guess_is_near(name: str, budget: Budget) -> None:
    """Within a factor of two of what a search of every schedule counts."""
    true = explore(scenario(name), budget=budget, reduces=False).run_count
    guess = guessing.guessed_size(scenario(name), budget)
    assert true / 2 < guess < true * 2


@pytest.mark.parametrize(("flags", "said"), [((), " unreduced"), (("--unreduced",), "")])
def test_a_search_that_stops_says_how_large_its_tree_is(
    flags: tuple[str, ...], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """On its line, in the last line and in the record; the verdict is unknown."""
    record = tmp_path / "record.json"
    asked = ["--scenario", "lone-3", "--overlaps", "0", "--run-limit", "3", "--record", str(record)]
    assert 3 == exhaustive.main([*asked, *flags])
    lines = capsys.readouterr().out.splitlines()
    guess = guessing.guessed_size(scenario("lone-3"), Budget())
    assert lines[1].endswith(f"some, of about {guess:.0e}{said}")
    assert lines[-1].endswith(
        f"not explored to the end, the largest of about {guess:.0e} schedules"
    )
    assert round(guess) == json.loads(record.read_text())["figures"]["lone-3: schedules, guessed"]
