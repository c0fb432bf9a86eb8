"""A plan is made of cells, each is answered alone, and the answers are joined: none gets lost."""

import json
import subprocess
from pathlib import Path
from typing import Any

import msgspec
import pytest

from reports import cell, merge, plan, recipe, schema, session, spread, task
from reports.documents import told
from reports.documents.junit import junit
from reports.schema import (
    Asked,
    Cell,
    CellRecord,
    LawKind,
    LawRecord,
    LawsRecord,
    LawVerdict,
    MergeRecord,
    Place,
    PlanRecord,
    Verdict,
)


def asked(*arguments: str) -> PlanRecord:
    """What a command line plans."""
    return plan.planned(plan._parser().parse_args(arguments))


def question(name: str, **more: object) -> Cell:
    """A cell by its law."""
    made = Cell(asked=Asked.LAWS, place=Place(python="3.11"), sources="s", names=[name])
    return msgspec.structs.replace(made, **more)


def answer(to: Cell, verdict: Verdict = Verdict.PASS, **more: object) -> CellRecord:
    """A settled answer."""
    made = CellRecord(name="cell", verdict=verdict, summary="said", cell=to)
    return msgspec.structs.replace(made, **more)


def join(folder: Path, cells: list[Cell], *found: CellRecord) -> MergeRecord:
    """Write the answers as so many machines would, and join them."""
    for number, each in enumerate(found):
        schema.write(folder / f"machine-{number}" / f"{each.cell.digest}.json", each)
    return merge.joined(plan.record_of(cells), merge.answers_in(folder.rglob("*.json")))


def verdicts(record: MergeRecord) -> list[Verdict]:
    """In the plan's order."""
    return [each.verdict for each in record.answers]


def test_a_plan_is_every_choice_once() -> None:
    """Laws of the lock and of each release; a difference only of what differs from the lock."""
    made = asked(
        *("--with", "aiosqlite==0.20.0", "--with", "aiosqlite==0.21.0 python-statemachine==3.2.2"),
        *("--python", "3.11", "--python", "3.12", "--sqlite", "3.51.3", "--seeds", "2"),
        *("--ask", "laws", "--ask", "behaviour", "--ask", "benchmarks"),
    )
    by_kind = [each.asked for each in made.cells]
    assert (12, 8, 8) == tuple(by_kind.count(each) for each in Asked)
    assert 28 == len({each.digest for each in made.cells})
    for each in made.cells:
        if each.baseline is not None:
            assert ([], each.place.python) == (each.baseline.requirements, each.baseline.python)
            assert "3.51.3" == each.baseline.sqlite == each.place.sqlite
    twice = asked("--with", "aiosqlite==0.20.0", "--with", "aiosqlite==0.20.0")
    assert 2 == len(twice.cells)


def test_a_plan_may_have_a_cell_for_each_law() -> None:
    """So that many machines share one release."""
    laws = ("--law", "one", "--law", "two")
    assert [["one", "two"]] == [each.names for each in asked(*laws).cells]
    assert [["one"], ["two"]] == [each.names for each in asked(*laws, "--by-law").cells]


def test_a_plan_of_groups_asks_what_the_matrix_asks() -> None:
    """The same questions, so either finds the answers of the other."""
    (group,) = recipe.chosen(["sqlite"], [])
    made = asked("--group", "sqlite").cells
    assert made == group.cells(sources=made[0].sources, seed=1)


def test_a_job_s_matrix_takes_the_plan_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line with each cell's identity and words; more than a matrix may have is refused."""
    output = tmp_path / "output"
    monkeypatch.setenv(plan.OUTPUT, str(output))
    out = ("--out", str(tmp_path / "plan.json"))
    assert 0 == plan.main(["--with", "aiosqlite==0.20.0", *out])
    name, _, value = output.read_text().partition("=")
    cells = schema.read(tmp_path / "plan.json", PlanRecord).cells
    assert ("cells", [each.digest for each in cells]) == (
        name,
        [each["id"] for each in json.loads(value)],
    )
    assert "2 cells planned, nothing asked: 2 of laws\n" in capsys.readouterr().out
    assert 2 == plan.main(["--law", "x", "--seeds", "257", *out])
    assert "more than the 256 jobs" in capsys.readouterr().err


def test_a_cell_without_an_answer_is_unknown(tmp_path: Path) -> None:
    """Lost, torn, or of another question: it is named, and the whole is no pass."""
    first, lost, torn = question("first"), question("lost"), question("torn")
    stranger = answer(question("stranger"), Verdict.FAIL)
    (tmp_path / f"{torn.digest}.json").write_text('{"kind": "answer", ')
    record = join(tmp_path, [first, lost, torn], answer(first), stranger)
    assert [Verdict.PASS, Verdict.UNKNOWN, Verdict.UNKNOWN] == verdicts(record)
    assert (Verdict.UNKNOWN, "3 cells: 1 pass, 2 unknown") == (record.verdict, record.summary)
    assert "nobody asked it, or it was lost" in (record.answers[1].problem or "")
    assert "not a record of this project" in (record.answers[2].problem or "")
    (strange,) = record.strangers
    assert "stranger" in strange
    assert 3 == junit(told(record)).count("<error")


def test_the_heaviest_cell_decides(tmp_path: Path) -> None:
    """A failure stands, whatever is unknown beside it; nothing planned is nothing known."""
    cells = [question(each) for each in ("a", "b", "c")]
    found = [answer(cells[0]), answer(cells[1], Verdict.FAIL)]
    assert Verdict.FAIL is join(tmp_path / "1", cells, *found).verdict
    assert Verdict.PASS is join(tmp_path / "2", cells[:1], *found).verdict
    unasked = answer(cells[1], Verdict.INVALID, problem="no such Python here")
    assert Verdict.INVALID is join(tmp_path / "3", cells[:2], found[0], unasked).verdict
    assert Verdict.UNKNOWN is join(tmp_path / "4", [], found[0]).verdict


def test_two_answers_that_differ_are_none(tmp_path: Path) -> None:
    """Whichever machine is right; but one that could not answer takes nothing from one that did."""
    one = question("one")
    differ = join(tmp_path / "1", [one], answer(one), answer(one, Verdict.FAIL))
    assert (Verdict.UNKNOWN, "2 answers to the same question differ: fail and pass") == (
        differ.verdict,
        differ.answers[0].problem,
    )
    silent = answer(one, Verdict.UNKNOWN, problem="its worker died")
    assert [Verdict.PASS] == verdicts(join(tmp_path / "2", [one], silent, answer(one)))
    assert [Verdict.PASS] == verdicts(join(tmp_path / "3", [one], answer(one), answer(one)))


def test_a_broken_law_is_named_and_a_known_one_is_not(tmp_path: Path) -> None:
    """With the head of its counterexample."""

    def law(name: str, *, is_known: bool) -> LawRecord:
        return LawRecord(
            law=name,
            kind=LawKind.MACHINE,
            sentence="s",
            verdict=LawVerdict.FAIL,
            subject="x",
            examples=1,
            steps=1,
            elapsed_ms=1,
            failure="seen twice\nand more",
            is_known=is_known,
        )

    laws = LawsRecord(
        name="properties",
        verdict=Verdict.FAIL,
        summary="s",
        profile="gate",
        seed=1,
        laws=[law("broken", is_known=False), law("known", is_known=True)],
    )
    one = question("one")
    record = join(tmp_path, [one], answer(one, Verdict.FAIL, laws=laws))
    assert [{"broken [x]": "seen twice"}] == [each.broken for each in record.answers]
    assert "broken [x]" in record.reasons[0].text


def process(stdout: str, code: int = 0) -> Any:
    """A task that has ended."""
    return subprocess.CompletedProcess(["task"], code, stdout, "step\nboom\n\n")


@pytest.mark.parametrize(
    ("ended", "words"),
    [
        ("the cluster went away", "the cluster went away"),
        (process("", 1), "ended with 1 and said last: boom"),
        (process("", -9), "ended with -9"),
        (process("warning: x\n{}"), "printed no answer"),
        (
            process(msgspec.json.encode(answer(question("other"))).decode()),
            "answered another question: laws other",
        ),
    ],
)
def test_only_the_answer_to_the_question_is_one(ended: Any, words: str) -> None:
    """Whatever else a process printed, and however it ended, is unknown, and says so."""
    record = spread.answer_of(question("asked"), ended)
    assert (Verdict.UNKNOWN, False) == (record.verdict, record.is_settled)
    assert words in (record.problem or "")
    right = answer(question("asked"), Verdict.FAIL)
    assert right == spread.answer_of(
        question("asked"), process(msgspec.json.encode(right).decode())
    )


def test_what_a_worker_has_set_for_itself_reaches_no_cell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dask's nanny makes the allocator give memory back at once, which is no part of a question."""
    interpreter = tmp_path / "python"
    interpreter.write_text("#!/bin/sh\nenv\n")
    interpreter.chmod(0o755)
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "65536")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("KEPT", "as it is")
    ended = subprocess.run(
        task.command(str(interpreter)), capture_output=True, text=True, check=True
    )
    names = {line.partition("=")[0] for line in ended.stdout.splitlines()}
    assert {"KEPT"} == names & {"KEPT", "MALLOC_TRIM_THRESHOLD_", "OMP_NUM_THREADS"}


def test_what_is_answered_is_not_asked_again(tmp_path: Path) -> None:
    """What was not, or is torn, is."""
    cells = [question(each) for each in ("kept", "unknown", "torn", "new")]
    schema.write(tmp_path / f"{cells[0].digest}.json", answer(cells[0], Verdict.FAIL))
    silent = answer(cells[1], Verdict.UNKNOWN, problem="it hung")
    schema.write(tmp_path / f"{cells[1].digest}.json", silent)
    (tmp_path / f"{cells[2].digest}.json").write_text("{")
    assert cells[1:] == spread.left(cells, tmp_path)


def test_a_cell_is_asked_for_by_its_identity(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As a job of a matrix does; an identity that the plan does not have asks nothing."""
    made = plan.record_of([question("one")])
    schema.write(tmp_path / "plan.json", made)
    where = ("--plan", str(tmp_path / "plan.json"), "--out", str(tmp_path / "answer.json"))
    assert 2 == cell.main([made.cells[0].digest, *where])
    answered = schema.read(tmp_path / "answer.json", CellRecord)
    assert (made.cells[0], Verdict.USAGE) == (answered.cell, answered.verdict)
    assert 2 == cell.main(["0123456789abcdef", *where])
    assert "has no cell 0123456789abcdef" in capsys.readouterr().err
    _, place = cell._named(made.cells[0].digest, tmp_path / "plan.json")
    assert session.OUT / "cells" / f"{made.cells[0].digest}.json" == place


def test_a_plan_that_is_none_is_a_usage_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without it nobody knows what is missing."""
    options = ["--plan", str(tmp_path / "no.json"), "--out", str(tmp_path / "o.json")]
    assert (2, 2) == (merge.main([str(tmp_path), *options]), spread.main(options))
    said = capsys.readouterr()
    assert "merge: usage: nothing was joined\nspread: usage: nothing was asked\n" == said.out
    assert "`nox -s plan` makes one" in said.err
