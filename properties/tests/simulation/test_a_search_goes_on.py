"""A search that was stopped or killed goes on where it was; shards of it make up the whole."""

from __future__ import annotations

import signal
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from properties.session import UsageError
from properties.simulation import exhaustive, saving
from properties.simulation.budget import Budget
from properties.simulation.explore import Exploration, cut_level, explore
from properties.simulation.scenarios import scenario
from properties.simulation.schedulers.exhaustive import ExhaustiveScheduler, Shard
from properties.simulation.world import Sharing

ROOT = Path(__file__).resolve().parents[3]
STRUCK_WHILE_SAVING = """
import os
from properties.session import run
from properties.simulation import exhaustive, saving, watching

def struck(path, saved, write=saving.write, count=[0]):
    count[0] += 1
    if count[0] == 30:
        path.with_name(path.name + ".new").write_text("torn")
        os.kill(os.getpid(), {number})
    write(path, saved)

watching.SAVE_EVERY_S = 0.0
saving.write = struck
run("exhaustive", lambda: exhaustive.main({arguments!r}))
"""
SEARCHES = (
    ("cut-off-2", Budget(cancellations=1)),
    ("in-time-2", Budget(early_clocks=1)),
    ("watched-2", Budget(cancellations=1, overlaps=1)),
    ("tickets-3", Budget()),
    ("shared-2", Budget(cancellations=2)),
)

PIECES = {"cut-off-2": 23, "in-time-2": 11, "watched-2": 13, "tickets-3": 2, "shared-2": 17}


def _totals(found: Exploration) -> tuple[object, ...]:
    return found.run_count, found.cut_count, found.is_complete, found.schedules


def _stopped_every(
    runs: int, name: str, budget: Budget, path: Path, shard: Shard | None = None
) -> Exploration:
    """Search in pieces, each from what the file says."""
    subject = scenario(name)
    wanted = saving.identity(subject, budget, reduces=True)

    def watch(found: Exploration, scheduler: ExhaustiveScheduler, sharing: Sharing) -> bool:
        must_stop = (found.run_count + found.cut_count) % runs == 0
        if must_stop:
            saved = saving.save(found, scheduler, sharing=sharing, wanted=wanted, shard="")
            saving.write(path, saved)
        return must_stop

    halt = None
    for _ in range(1000):
        found = explore(subject, budget=budget, watch=watch, halt=halt, shard=shard)
        if found.is_complete:
            return found
        halt = saving.halted(saving.read(path), subject)
    raise AssertionError("no end after 1000 pieces")


@pytest.mark.parametrize(("name", "budget"), SEARCHES)
def test_a_search_in_pieces_ends_as_a_whole_one(name: str, budget: Budget, tmp_path: Path) -> None:
    """The same schedules, the same cuts, the same first schedule of each outcome."""
    whole = explore(scenario(name), budget=budget)
    assert _totals(whole) == _totals(
        _stopped_every(PIECES[name], name, budget, tmp_path / "a.json")
    )


def test_a_shard_in_pieces_ends_as_a_whole_one(tmp_path: Path) -> None:
    """It remembers, too, which of the subtrees are its own."""
    budget = Budget(cancellations=1)
    shard = Shard(index=1, count=3, level=8)
    whole = explore(scenario("cut-off-2"), budget=budget, shard=shard)
    pieces = _stopped_every(9, "cut-off-2", budget, tmp_path / "a.json", shard)
    assert _totals(whole) == _totals(pieces)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_search_struck_while_it_is_saved_goes_on(number: signal.Signals, tmp_path: Path) -> None:
    """SIGKILL leaves the file of a run before, Ctrl-C that of the moment."""
    arguments = ["--scenario", "cut-off-2", "--state", str(tmp_path)]
    arguments += ["--record", str(tmp_path / "record.json")]
    code = STRUCK_WHILE_SAVING.format(number=int(number), arguments=arguments)
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    subject = scenario("cut-off-2")
    saved = saving.read(tmp_path / "cut-off-2.json")
    if number == signal.SIGKILL:
        assert (-signal.SIGKILL, 29) == (ended.returncode, saved.run_count + saved.cut_count)
    else:
        assert (130, 30) == (ended.returncode, saved.run_count + saved.cut_count)
        assert "exhaustive: invalid: interrupted" == ended.stdout.splitlines()[-1]
        told = ended.stderr.splitlines()[-1]
        assert "kept in cut-off-2.json; the same command goes on." == told
    assert _totals(explore(subject)) == _totals(
        explore(subject, halt=saving.halted(saved, subject))
    )


def test_the_file_of_another_search_is_refused_by_name(tmp_path: Path) -> None:
    """Another budget, other code: each difference is said; a torn file is no search."""
    asked = ["--scenario", "tickets-2", "--state", str(tmp_path)]
    asked += ["--record", str(tmp_path / "record.json")]
    assert 0 == exhaustive.main(asked)
    with pytest.raises(UsageError, match=r"tickets-2\.json: of another search: budget was 'canc"):
        exhaustive.main([*asked, "--cancellations", "1"])
    path = tmp_path / "tickets-2.json"
    saved = saving.read(path)
    path.write_text(path.read_text().replace(saved.identity["code"], "0" * 16))
    with pytest.raises(UsageError, match=r"of another search: code was '0000000000000000', now"):
        exhaustive.main(asked)
    path.write_text(path.read_text()[:100])
    with pytest.raises(UsageError, match="no search that can go on"):
        exhaustive.main(asked)


@pytest.mark.parametrize(("name", "budget"), SEARCHES)
def test_shards_make_up_the_whole(name: str, budget: Budget) -> None:
    """Together they see every outcome; each subtree below the cut belongs to one of them."""
    subject = scenario(name)
    whole = explore(subject, budget=budget)
    level = cut_level(subject, shard_count=3, budget=budget)
    parts = [
        explore(subject, budget=budget, shard=Shard(index=index, count=3, level=level))
        for index in range(3)
    ]
    assert whole.outcomes == set().union(*(part.outcomes for part in parts))
    assert 1 == len({part.frontier_count for part in parts})
    assert parts[0].frontier_count >= 3
    assert all(part.is_complete for part in parts)
    if whole.run_count > 50:
        assert all(part.run_count < whole.run_count for part in parts)


def test_kept_shards_are_put_together(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Only all of them make a pass; one that is missing is said."""
    asked = ["--scenario", "cut-off-2", "--state", str(tmp_path)]
    asked += ["--record", str(tmp_path / "record.json")]
    assert 0 == exhaustive.main([*asked, "--shard", "1/2"])
    with pytest.raises(UsageError, match="cut-off-2: not every shard once, but 1/2"):
        exhaustive.main([*asked, "--merge"])
    assert 0 == exhaustive.main([*asked, "--shard", "2/2"])
    capsys.readouterr()
    assert 0 == exhaustive.main([*asked, "--merge"])
    row = capsys.readouterr().out.splitlines()[1].split()
    assert ("cut-off-2", "11", "none") == (row[0], row[3], row[5])


def test_other_code_is_another_search(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One character of the simulation is enough; its tests do not count."""
    (tmp_path / "tests").mkdir()
    monkeypatch.setattr(saving, "_FOLDERS", (tmp_path,))
    seen = []
    for name, text in (("a.py", "1"), ("tests/b.py", "1"), ("a.py", "2"), ("c.py", "1")):
        (tmp_path / name).write_text(text)
        seen.append(saving.identity(scenario("tickets-2"), Budget(), reduces=True)["code"])
    assert [True, False, False] == [one == other for one, other in pairwise(seen)]


@pytest.mark.parametrize("text", ["0/2", "3/2", "2", "a/b", "1/0", "-1/2"])
def test_what_names_no_shard_is_usage(text: str) -> None:
    """Shards count from one."""
    with pytest.raises(UsageError, match="is no shard"):
        exhaustive.main([f"--shard={text}"])


@pytest.mark.parametrize("more", [(), ("--prove", "--overlaps", "0")])
def test_a_folder_that_takes_nothing_is_usage(more: tuple[str, ...], tmp_path: Path) -> None:
    """A file that stands where the search would be kept: said, and nothing judged."""
    (tmp_path / "lone-2.json.new").mkdir()
    (tmp_path / "lone-2.c0.e0.o0.proof.json.new").mkdir()
    asked = ["--scenario", "lone-2", "--state", str(tmp_path), *more]
    with pytest.raises(UsageError, match=r"cannot be kept in --state .*: Is a directory"):
        exhaustive.main([*asked, "--record", str(tmp_path / "record.json")])
