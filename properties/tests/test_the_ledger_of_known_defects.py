"""A known defect is told and does not fail the session; anything else does."""

import importlib.metadata
import platform
import sqlite3
from collections import Counter
from pathlib import Path

import msgspec
import pytest

from properties.known import HitRate, KnownDefect, known_defects, stale, with_known
from properties.report import summary_of, verdict_on
from reports.schema import LawKind, LawRecord, LawVerdict, Verdict

HERE = importlib.metadata.version("aiosqlite")


def _law(name: str, verdict: LawVerdict) -> LawRecord:
    return LawRecord(
        law=name,
        kind=LawKind.ASSUMPTION,
        sentence="A sentence.",
        verdict=verdict,
        subject="the libraries",
        examples=0,
        steps=0,
        elapsed_ms=1.0,
    )


def _defect(versions: str) -> KnownDefect:
    return KnownDefect(
        law="a", library="aiosqlite", versions=versions, reason="it breaks", way_out="upgrade"
    )


def test_an_entry_applies_to_its_versions_only() -> None:
    """The ledger is read against what is installed."""
    assert _defect(f"=={HERE}").applies()
    assert not _defect(f"!={HERE}").applies()


def test_a_known_failure_passes_and_is_told() -> None:
    """The record keeps the failure; the session passes, and counts it."""
    defects = {"a": _defect(f"=={HERE}")}
    laws = with_known([_law("a", LawVerdict.FAIL), _law("b", LawVerdict.PASS)], defects)
    assert Verdict.PASS is verdict_on(laws, None, defects)
    assert LawVerdict.FAIL is laws[0].verdict
    assert f"known defect of aiosqlite {HERE}: it breaks" in (laws[0].reason or "")
    assert "1 of 2 laws hold, 1 broken as known: a" in summary_of(laws, defects, Counter(), 1)


def test_another_failure_fails() -> None:
    """A ledger line covers its own law."""
    laws = [_law("b", LawVerdict.FAIL)]
    assert Verdict.FAIL is verdict_on(laws, None, {"a": _defect(f"=={HERE}")})


def test_an_entry_whose_law_holds_is_stale() -> None:
    """So that the ledger does not outlive the defect."""
    assert ["a"] == stale([_law("a", LawVerdict.PASS)], {"a": _defect(f"=={HERE}")})


def test_unknown_and_nothing_asked_are_no_pass() -> None:
    """Neither a judge that failed nor an empty docket is green."""
    assert Verdict.UNKNOWN is verdict_on([_law("b", LawVerdict.UNKNOWN)], None, {})
    assert Verdict.INVALID is verdict_on([], None, {})
    assert Verdict.INVALID is verdict_on([_law("b", LawVerdict.PASS)], "collection failed", {})


def test_the_ledger_covers_failures_alone() -> None:
    """A law of the ledger that could not be judged is unknown all the same."""
    defects = {"a": _defect(f"=={HERE}")}
    assert Verdict.UNKNOWN is verdict_on([_law("a", LawVerdict.UNKNOWN)], None, defects)


def test_a_law_that_was_not_asked_does_not_hold() -> None:
    """Skipped, or dropped out by a slip of its name: unknown, named, and not counted as held."""
    skipped = [_law("a", LawVerdict.NOT_ASKED), _law("b", LawVerdict.PASS)]
    assert Verdict.UNKNOWN is verdict_on(skipped, None, {})
    assert "1 of 2 laws hold, 1 not asked: a" in summary_of(skipped, {}, Counter(), 1)
    held = [_law("b", LawVerdict.PASS)]
    assert Verdict.UNKNOWN is verdict_on(held, None, {}, ["a", "b"])
    assert "1 of 2 laws hold, 1 not asked: a" in summary_of(held, {}, Counter(), 1, ["a", "b"])


def test_a_misspelt_entry_is_refused(tmp_path: Path) -> None:
    """A field that nobody reads would be a defect that nobody covers."""
    ledger = tmp_path / "known.toml"
    ledger.write_text('[[known]]\nlaw = "a"\nlibary = "aiosqlite"\n')
    with pytest.raises(msgspec.ValidationError):
        known_defects(ledger)


def _sqlite_defect(hits: int, runs: int) -> KnownDefect:
    return KnownDefect(
        law="a",
        library="sqlite",
        versions=">=3.7,<3.51.3",
        reason="it loses rows",
        way_out="upgrade",
        reference="https://sqlite.org/wal.html#walresetbug",
        hit_rate=HitRate(hits=hits, runs=runs, seconds=60),
    )


def test_an_entry_about_the_interpreter_applies_to_the_one_that_runs() -> None:
    """It is no distribution, and is told by its proper name."""
    defect = KnownDefect(
        law="a", library="cpython", versions=">=3", reason="it breaks", way_out="another"
    )
    assert defect.applies()
    assert defect.told().startswith(f"known defect of CPython {platform.python_version()}: ")


def test_an_entry_about_sqlite_applies_to_the_sqlite_that_was_judged() -> None:
    """This process's own, unless another one was put under the processes that ran."""
    assert sqlite3.sqlite_version == _sqlite_defect(5, 10).version()
    assert _sqlite_defect(5, 10).applies({"sqlite": "3.51.2"})
    assert not _sqlite_defect(5, 10).applies({"sqlite": "3.51.3"})
    assert (
        "known defect of SQLite 3.40.1: it loses rows. Way out: upgrade. "
        "See https://sqlite.org/wal.html#walresetbug"
    ) == _sqlite_defect(5, 10).told({"sqlite": "3.40.1"})


@pytest.mark.parametrize(
    ("hits", "runs", "needed"),
    [(5, 10, 7), (10, 10, 2), (0, 10, 53), (1, 10, 26), (0, 0, 7), (99, 100, 2)],
)
def test_the_rarer_a_defect_the_more_clean_runs_make_it_stale(
    hits: int, runs: int, needed: int
) -> None:
    """(1 - p)^n <= 1 %, with p = (hits + 1) / (runs + 2): seven clean runs at one half."""
    defect = _sqlite_defect(hits, runs)
    assert defect.hit_rate is not None
    assert needed == defect.hit_rate.clean_runs_needed
    assert (False, True) == (defect.is_stale(needed - 1), defect.is_stale(needed))
    rate = defect.hit_rate.rate
    assert (1 - rate) ** needed <= 0.01 < (1 - rate) ** (needed - 1)


def test_an_entry_that_shows_in_every_run_is_stale_after_one() -> None:
    """As it always was, for what needs no luck."""
    assert _defect(f"=={HERE}").is_stale(1)


def test_sqlite_defects_do_not_touch_the_other_laws() -> None:
    """`nox -s properties` reads the same ledger: laws that it does not ask change nothing there."""
    defects = {"a": _defect(f"=={HERE}"), "b": _sqlite_defect(5, 10)}
    laws = [_law("c", LawVerdict.PASS)]
    assert (Verdict.PASS, []) == (verdict_on(laws, None, defects), stale(laws, defects))
    assert "known" not in summary_of(laws, defects, Counter(), 1)
