"""Counts of one set of libraries are equal on every Python; what other releases count is named."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from reports.compare import compare
from reports.counts import counts_of, differences
from reports.interpreters import interpreter
from reports.load import Benchmark, BenchmarkFile, load
from reports.schema import Verdict
from reports.session import UsageError
from reports.sweep import Place, Ran, judged, places

CELL = "benchmarks/test_counts.py::test_writers[direct-8-1]"
COUNTED = {CELL: {"statement_count": 8, "python_call_count": 100}}
OTHERS_CALLS = {CELL: {"statement_count": 8, "python_call_count": 90}}
MORE = {CELL: {"statement_count": 9, "python_call_count": 100}}


def ran(counts: dict[str, dict[str, int]], *asked: str, python: str = "3.11", code: int = 0) -> Ran:
    """What one environment came to."""
    return Ran(place=Place(python=python, asked=asked), exit_code=code, counts=counts)


@pytest.mark.parametrize(
    ("others", "verdict", "words"),
    [
        ([ran(COUNTED)], Verdict.PASS, "0 counts differ"),
        ([ran(OTHERS_CALLS, python="3.13")], Verdict.PASS, "0 counts differ"),
        ([ran(OTHERS_CALLS)], Verdict.FAIL, "1 counts differ"),
        ([ran(MORE, python="3.12")], Verdict.FAIL, "1 counts differ"),
        ([ran({}, python="3.12")], Verdict.FAIL, "1 counts differ"),
        ([ran(MORE, "aiosqlite==0.20.0")], Verdict.PASS, "aiosqlite-0.20.0: 1 counts differ"),
        ([ran(COUNTED, python="3.12", code=1)], Verdict.INVALID, "python3.12 ended with 1"),
    ],
)
def test_a_count_that_must_be_equal_and_is_not_is_a_failure(
    others: list[Ran], verdict: Verdict, words: str
) -> None:
    """Python calls may differ between Pythons, anything between releases, nothing else."""
    found, summary, _ = judged([ran(COUNTED), *others])
    assert (verdict, True) == (found, words in summary), summary


def test_each_difference_names_the_cell_the_count_and_both_numbers() -> None:
    """Enough to look there."""
    assert ["writers[direct-8-1]: statement_count 8 and 9"] == list(
        differences(COUNTED, MORE, same_python=True)
    )


def test_clocks_are_no_counts(tmp_path: Path) -> None:
    """Only records of the lock-step instrument are compared, and of them whole numbers only."""

    def cell(name: str, **info: Any) -> dict[str, Any]:
        return {"fullname": name, "stats": {"data": [1.0]}, "extra_info": info}

    path = tmp_path / "counts.json"
    counted = cell(CELL, instrument="counts", statement_count=8, way="direct", share=0.5)
    clocked = cell("test_store", retry_count=3)
    path.write_text(
        json.dumps({"benchmarks": [counted, clocked], "machine_info": {}, "version": "5.1.0"})
    )
    assert {CELL: {"statement_count": 8}} == counts_of([load(path)])


def test_the_lock_comes_first_on_this_python() -> None:
    """Everything else is compared with it."""
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    asked = ("python-statemachine==3.2.2",)
    assert [
        Place(python=here),
        Place(python=here, asked=asked),
        Place(python="3.99"),
        Place(python="3.99", asked=asked),
    ] == places(asked, ["3.99", here])
    assert sys.executable == interpreter(here)


def test_a_program_that_is_not_there_is_a_usage_error() -> None:
    """Told before anything is built."""
    with pytest.raises(UsageError, match="no program of that name"):
        interpreter("no/such/python")


def test_two_finished_files_are_compared_by_their_counts_too() -> None:
    """A simulation's own speed is no benchmark, and a count that changed is named."""

    def file(statements: int) -> BenchmarkFile:
        info = {"instrument": "counts", "statement_count": statements}
        counted = Benchmark(name=CELL, rounds_s=[1.0], extra_info=info)
        return BenchmarkFile(
            path="f.json", benchmarks={CELL: counted}, machine="m", environment=None
        )

    record = compare(file(8), file(9))
    assert (Verdict.UNKNOWN, []) == (record.verdict, record.benchmarks)
    assert "nothing timed; 1 cells counted, 1 counts differ" == record.summary
    assert "counted: writers[direct-8-1]: statement_count 8 and 9" in [
        each.text for each in record.reasons
    ]
