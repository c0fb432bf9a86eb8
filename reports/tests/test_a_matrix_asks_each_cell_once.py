"""A matrix goes on where it was stopped, tells of every cell, and fails what was promised."""

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from reports import marked, matrix, recipe, session
from reports.documents import told
from reports.documents.markdown import markdown
from reports.documents.model import CaseOutcome
from reports.interpreters import here
from reports.schema import CellOutcome, CellRow, MatrixRecord, Place, Verdict, read
from reports.session import UsageError
from reports.tests.stand_in import CHECKOUT

MATRIX = (
    "import pathlib, sys; from reports import matrix, session; "
    "session.ROOT = pathlib.Path(sys.argv[1]); sys.exit(matrix.main(sys.argv[2:]))"
)
RELEASES = ("planted==1.1", "planted==99", "planted==12.0", "planted==3.0", "unused==1.0")


@pytest.fixture
def recipe_file(tmp_path: Path) -> Path:
    """Five cells: one holds, one cannot be built, one crashes, one breaks a law, one holds."""
    path = tmp_path / "five.toml"
    releases = ", ".join(f'"{each}"' for each in RELEASES)
    path.write_text(f'title = "planted"\nreleases = [{releases}]\npythons = ["{here()}"]\n')
    return path


def ask(recipe_file: Path, *more: str) -> tuple[int, MatrixRecord]:
    """Run the matrix in this process."""
    out = recipe_file.with_suffix(".json")
    code = matrix.main(["--recipe", str(recipe_file), "--out", str(out), *more])
    return code, read(out, MatrixRecord)


def test_what_was_killed_goes_on_without_asking_a_finished_cell_again(
    checkout: Path, recipe_file: Path
) -> None:
    """SIGKILL in the middle: the first answer is read, not asked for again; the rest is asked."""
    argv = [sys.executable, "-c", MATRIX, str(checkout), "--seed", "71"]
    argv += ["--recipe", str(recipe_file), "--out", str(recipe_file.with_suffix(".json"))]
    with subprocess.Popen(argv, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if " 1/5 " in line:
                process.send_signal(signal.SIGKILL)
                break
    assert -signal.SIGKILL == process.returncode
    folder = checkout / ".gate" / "cells"
    before = {path.name: path.stat().st_mtime_ns for path in folder.glob("*.json")}
    again = subprocess.run(argv, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True, check=False)
    assert ["kept"] == re.findall(r"1/5 .*\((\w+)\)", again.stdout), again.stdout
    after = {path.name: path.stat().st_mtime_ns for path in folder.glob("*.json")}
    assert before.items() <= after.items()
    # Three have an answer. Asked once more, they are read, and only the other two are tried.
    once_more = subprocess.run(argv, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True, check=False)
    assert 3 == once_more.stdout.count("(kept)"), once_more.stdout
    assert after == {path.name: path.stat().st_mtime_ns for path in folder.glob("*.json")}


def test_every_cell_says_what_became_of_it(checkout: Path, recipe_file: Path) -> None:
    """Holds, cannot be built, no answer, broken by name: each in words, none left out."""
    code, record = ask(recipe_file)
    assert (3, Verdict.UNKNOWN) == (code, record.verdict)
    found = {row.place.requirements[0]: (row.outcome, row.broken) for row in record.rows}
    assert {
        "planted==1.1": (CellOutcome.HOLDS, []),
        "planted==99": (CellOutcome.NOT_BUILT, []),
        "planted==12.0": (CellOutcome.UNKNOWN, []),
        "planted==3.0": (CellOutcome.BROKEN, ["work_is_done [planted]"]),
        "unused==1.0": (CellOutcome.HOLDS, []),
    } == found
    text = markdown(told(record))
    for words in (
        "holds, 1 known",
        "cannot be built: no environment can be made with planted==99",
        "unknown: the process ended with signal 11",
        "broken: work_is_done",
    ):
        assert words in text, text
    # It lies outside of the bounds (planted<2): told, and no failure.
    assert [False] == [row.is_promised for row in record.rows if row.broken]
    assert "1 of the broken never promised" in record.summary


def row(outcome: CellOutcome, *, is_promised: bool = True) -> CellRow:
    """A cell of which only this matters."""
    return CellRow(
        group="any",
        place=Place(python="3.11"),
        digest="0",
        outcome=outcome,
        is_promised=is_promised,
        elapsed_s=60.0,
        broken=["a law"] if outcome is CellOutcome.BROKEN else [],
    )


@pytest.mark.parametrize(
    ("rows", "verdict"),
    [
        ([row(CellOutcome.HOLDS)], Verdict.PASS),
        ([row(CellOutcome.HOLDS), row(CellOutcome.BROKEN)], Verdict.FAIL),
        ([row(CellOutcome.UNKNOWN), row(CellOutcome.BROKEN)], Verdict.FAIL),
        ([row(CellOutcome.HOLDS), row(CellOutcome.BROKEN, is_promised=False)], Verdict.PASS),
        ([row(CellOutcome.HOLDS), row(CellOutcome.NOT_BUILT)], Verdict.UNKNOWN),
        ([row(CellOutcome.HOLDS), row(CellOutcome.UNKNOWN)], Verdict.UNKNOWN),
        ([], Verdict.UNKNOWN),
    ],
)
def test_silence_is_no_pass_and_a_broken_promise_a_failure(
    rows: list[CellRow], verdict: Verdict
) -> None:
    """What was never promised may be broken."""
    record = matrix.conclude(rows, 1)
    assert verdict is record.verdict
    outcomes = [case.outcome for case in told(record).cases]
    assert sum(each.outcome is CellOutcome.HOLDS for each in rows) == outcomes.count(
        CaseOutcome.PASSED
    )


def test_a_promise_is_what_the_bounds_allow(checkout: Path) -> None:
    """Each release of a place lies within them."""
    pyproject = checkout / "pyproject.toml"
    promised = {
        "planted==1.1": True,
        "planted==2.0": False,
        "unused==7": True,
    }
    for requirement, is_promised in promised.items():
        place = Place(python="3.11", requirements=["unused==1.0", requirement])
        assert is_promised is matrix.is_promised(place, pyproject), requirement


def test_our_own_recipes_make_a_cell_for_every_choice() -> None:
    """Twenty at least, and no two of them ask the same."""
    cells = [cell for each in recipe.chosen([], []) for cell in each.cells(sources="any", seed=1)]
    assert len(cells) >= 20
    assert len(cells) == len({cell.digest for cell in cells})


def test_a_group_that_is_not_there_and_a_recipe_that_is_none_are_usage_errors(
    tmp_path: Path,
) -> None:
    """Both say what there is."""
    with pytest.raises(UsageError, match="There are: aiosqlite"):
        recipe.chosen(["aiosqlit"], [])
    (tmp_path / "wrong.toml").write_text('title = "x"\npython = "3.11"\n')
    with pytest.raises(UsageError, match=r"no recipe .*`python`"):
        recipe.chosen([], [tmp_path / "wrong.toml"])


def test_the_tables_of_the_page_were_written_by_a_run() -> None:
    """Of at least twenty cells, none of them silent."""
    page = (session.ROOT / matrix.PAGE).read_text("utf-8")
    lines = marked.between(page, matrix.MARK)
    summary = next(line for line in lines if "**matrix:" in line)
    cells = re.search(r"(\d+) cells", summary)
    assert cells is not None
    assert int(cells[1]) >= 20
    said = [line for line in lines if line.startswith("|") and "---" not in line]
    assert [] == [line for line in said if re.search(r"\|\s*\|", line)], "a cell says nothing"
