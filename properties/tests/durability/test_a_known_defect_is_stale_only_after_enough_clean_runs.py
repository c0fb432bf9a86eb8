"""Clean runs are counted in a row, across sessions, and only those that could have shown it."""

from pathlib import Path

import pytest

from properties.durability.clean_runs import CleanRuns
from properties.durability.verdicts import Verdicts
from properties.durability.workload import Outcome
from properties.durability.workloads import WORKLOADS

PLAIN = WORKLOADS["wal-reset"]
CLEAN = Outcome(acknowledged_count=9)
LOSSY = Outcome(acknowledged_count=9, lost=["one row"])
UNKNOWN = Outcome(acknowledged_count=9, trouble="the auditor is gone")
KEY = f"{PLAIN.law} on SQLite 3.51.1"


def _session(
    clean_runs: CleanRuns, outcomes: list[Outcome], *, seconds: float = 60, version: str = "3.51.1"
) -> Verdicts:
    judge = Verdicts(sqlite_version=version, seconds=seconds, seed=1, clean_runs=clean_runs)
    judge.law(PLAIN, outcomes)
    return judge


def _needed() -> int:
    defect = _session(CleanRuns(), []).known[PLAIN.law]
    assert defect.hit_rate is not None
    return defect.hit_rate.clean_runs_needed


def test_enough_clean_runs_in_one_session_make_it_stale() -> None:
    """One fewer does not."""
    assert [] == _session(CleanRuns(), [CLEAN] * (_needed() - 1)).stale
    assert [PLAIN.law] == _session(CleanRuns(), [CLEAN] * _needed()).stale


def test_clean_runs_add_up_across_sessions(tmp_path: Path) -> None:
    """By way of a small file; a lost file only asks for more runs."""
    kept = tmp_path / "folder" / "clean-runs.json"
    for number in range(1, _needed() + 1):
        clean_runs = CleanRuns.read(kept)
        judge = _session(clean_runs, [CLEAN])
        clean_runs.write(kept)
        assert (number == _needed()) == bool(judge.stale)
    kept.write_text("{")
    assert CleanRuns() == CleanRuns.read(kept)
    assert [kept] == list(kept.parent.iterdir())


def test_a_defect_that_shows_begins_the_count_anew() -> None:
    """However many clean runs came before, in this session or an earlier one."""
    clean_runs = CleanRuns(counts={KEY: 1000})
    assert [] == _session(clean_runs, [CLEAN, LOSSY]).stale
    assert {KEY: 0} == clean_runs.counts


@pytest.mark.parametrize(
    ("outcome", "seconds"), [(UNKNOWN, 60), (CLEAN, 59)], ids=["unknown", "too short"]
)
def test_a_run_that_could_not_have_shown_it_does_not_count(
    outcome: Outcome, seconds: float
) -> None:
    """Silence of a broken or a short run says nothing."""
    clean_runs = CleanRuns()
    assert [] == _session(clean_runs, [outcome] * 100, seconds=seconds).stale
    assert {} == clean_runs.counts


def test_a_sqlite_without_the_defect_is_not_counted() -> None:
    """Nothing is known of it, so nothing can be stale."""
    clean_runs = CleanRuns()
    assert [] == _session(clean_runs, [CLEAN] * 100, version="3.51.3").stale
    assert {} == clean_runs.counts
