"""Planted losses are caught, hangs are named, and what is broken by itself is unknown."""

import dataclasses
import random
from pathlib import Path

import pytest

from properties.durability.acknowledged import Acknowledged, judged
from properties.durability.clean_runs import CleanRuns
from properties.durability.crew import standing
from properties.durability.launcher import Sqlite, WrongSqliteError, own
from properties.durability.run import Run
from properties.durability.telling import as_runs
from properties.durability.verdicts import Verdicts
from properties.durability.workload import Outcome
from properties.durability.workloads import WORKLOADS
from reports.schema import LawVerdict, Verdict

PLANTED = "properties.tests.durability.planted"
PLAIN = WORKLOADS["wal-reset"]


def _run(worker: str, *, seconds: float, stalled_s: float = 10.0) -> Outcome:
    workload = dataclasses.replace(PLAIN, module=f"{PLANTED}.{worker}", is_killed=False)
    return Run(
        workload,
        own(),
        seconds=seconds,
        process_count=2,
        choices=random.Random(1),
        progress=lambda _: None,
        stalled_s=stalled_s,
    ).judge()


def test_an_acknowledgement_without_commit_is_lost() -> None:
    """The database is sound and consistent; only the list of the told ones finds it."""
    outcome = _run("lying", seconds=20)
    assert "ok" == outcome.integrity
    assert any("acknowledged by writer 0 and gone: 50" in text for text in outcome.lost)


def test_commits_into_a_removed_file_are_lost() -> None:
    """The committer itself still reads them: it takes another process to see that they are gone."""
    outcome = _run("unlinking", seconds=20)
    assert any("acknowledged by writer 0 and gone" in text for text in outcome.lost)
    assert outcome.first_loss_s is not None


def test_a_hang_is_named_with_where_it_stands() -> None:
    """It is not suffered, and a run shorter than the patience does not pass by being over."""
    outcome = _run("hanging", seconds=0.5, stalled_s=1.0)
    (hang,) = outcome.hung
    assert "no progress, no CPU time" in hang
    assert "hanging.py:13 wait_for_nobody < hanging.py:17 _missing" in hang
    assert "/" not in hang.partition("Its threads: ")[2]


def test_a_broken_harness_is_unknown() -> None:
    """An error of ours is no evidence in either direction."""
    outcome = _run("breaking", seconds=20)
    assert "name 'slip' is not defined" in (outcome.trouble or "")
    assert (LawVerdict.UNKNOWN, Verdict.UNKNOWN) == _verdicts([outcome], "3.54.1")


def test_a_line_that_nobody_understands_is_unknown() -> None:
    """It may have been an acknowledgement."""
    outcome = _run("mumbling", seconds=20)
    assert "the committer said b'DeprecationWarning: what nobody" in (outcome.trouble or "")


def test_a_run_in_which_nothing_happened_is_unknown() -> None:
    """Nothing acknowledged, nothing lost: that holds for a program that does nothing."""
    outcome = _run("idle", seconds=0.5)
    assert "nothing was acknowledged" in (outcome.trouble or "")


def test_a_process_on_another_sqlite_is_refused() -> None:
    """Each process proves its version and source id from inside, before anything it says counts."""
    here = own()
    wrong = Sqlite(version=here.version, source_id=f"{here.source_id} of another")
    run = Run(
        PLAIN,
        wrong,
        seconds=5,
        process_count=2,
        choices=random.Random(1),
        progress=lambda _: None,
    )
    with pytest.raises(WrongSqliteError, match=r"was started on SQLite .* and runs"):
        run.judge()


def test_what_is_told_is_judged_exactly() -> None:
    """Gone ordinals are counted and shown; more of them than were told is no loss."""
    truth = Acknowledged()
    for ordinal in (1, 2, 4, 5):
        truth.note(0, ordinal)
    whole = judged(truth.copy(), '{"journal":{"0":[[1,5]]},"wrong":[],"integrity":"ok"}')
    assert (4, 0, ()) == (whole.reread_count, whole.lost_count, whole.findings)
    holed = judged(truth.copy(), '{"journal":{"0":[[1,1],[5,5]]},"wrong":[],"integrity":"ok"}')
    assert (2, ("acknowledged by writer 0 and gone: 2, 4",)) == (
        holed.lost_count,
        holed.findings,
    )
    assert 4 == judged(truth.copy(), '{"journal":{},"wrong":[],"integrity":"ok"}').lost_count


def test_an_ordinal_that_is_acknowledged_twice_is_told() -> None:
    """The second one was given because the first one is gone."""
    truth = Acknowledged()
    truth.note(0, 7)
    truth.note(0, 7)
    assert ["writer 0 was told twice that 7 is committed"] == truth.twice


def test_runs_of_ordinals_are_told_whole() -> None:
    """What goes through the pipe is short, and says the same."""
    assert [[1, 3], [5, 5], [7, 8]] == as_runs([1, 2, 3, 5, 7, 8])
    assert [] == as_runs([])


def test_where_threads_stand_is_told_without_paths() -> None:
    """Two runs on two machines print the same text."""
    dump = (
        "Thread 0x00007f1 (most recent call first):\n"
        '  File "/home/a b/core.py", line 4 in connect\n  File "/home/x.py", line 5 in run\n'
        '  File "/home/y.py", line 6 in start\n\n'
        "Current thread 0x00007f2 (most recent call first):\n"
        '  File "selectors.py", line 468 in select\n'
    )
    assert ["core.py:4 connect < x.py:5 run", "selectors.py:468 select"] == standing(dump)


def _verdicts(outcomes: list[Outcome], version: str) -> tuple[LawVerdict, Verdict]:
    judge = Verdicts(sqlite_version=version, seconds=60, seed=1, clean_runs=CleanRuns())
    law = judge.law(PLAIN, outcomes)
    return law.verdict, judge.verdict([law])


def test_a_loss_is_known_only_where_the_ledger_says_so(tmp_path: Path) -> None:
    """3.51.1 has the defect and passes, loudly; 3.51.3 has not, and the same loss fails."""
    lossy = Outcome(acknowledged_count=9, lost=["one row"])
    assert (LawVerdict.FAIL, Verdict.PASS) == _verdicts([lossy], "3.51.1")
    assert (LawVerdict.FAIL, Verdict.FAIL) == _verdicts([lossy], "3.51.3")
    assert (LawVerdict.FAIL, Verdict.FAIL) == _verdicts([lossy], "3.44.6")
    judge = Verdicts(sqlite_version="3.51.1", seconds=60, seed=1, clean_runs=CleanRuns())
    laws = [judge.law(PLAIN, [lossy])]
    assert "known: 1" in judge.summary(laws, {"wal-reset": [lossy]})
    assert (laws[0].reason or "").startswith("known defect of SQLite 3.51.1: ")
