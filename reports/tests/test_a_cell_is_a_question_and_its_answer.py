"""A cell is asked in the place that it names, and its answer says so, or why there is none."""

from pathlib import Path

import msgspec
import pytest

from reports import cell, session, sources, terminal
from reports.cell import Answering
from reports.environments import Builder
from reports.interpreters import here
from reports.progress import Progress
from reports.schema import Asked, Cell, CellRecord, LawVerdict, Place, Verdict, read, write


def question(checkout: Path, *requirements: str, asked: Asked = Asked.LAWS, **more: object) -> Cell:
    """A cell about the stand-in's library on this Python."""
    place = Place(python=here(), requirements=list(requirements))
    made = Cell(asked=asked, place=place, sources=sources.digest(checkout))
    return msgspec.structs.replace(made, **more)


@pytest.fixture
def answering(builder: Builder) -> Answering:
    return Answering(builder=builder, progress=Progress(terminal.console()), limit_s=60.0)


def verdicts(record: CellRecord) -> dict[str, LawVerdict]:
    """What the laws said, by their names."""
    return {law.law: law.verdict for law in record.laws.laws} if record.laws else {}


def test_the_same_question_has_one_digest_and_another_one_another(checkout: Path) -> None:
    """Whatever is asked otherwise is kept elsewhere."""
    first = question(checkout, "planted==1.1")
    others = [
        question(checkout, "planted==3.0"),
        question(checkout, "planted==1.1", seed=2),
        question(checkout, "planted==1.1", names=["always_holds"]),
        question(checkout, "planted==1.1", sources="another checkout"),
        question(checkout, "planted==1.1", place=Place(python="3.0")),
    ]
    assert first.digest == question(checkout, "planted==1.1").digest
    assert 6 == len({each.digest for each in [first, *others]})


def test_the_laws_are_asked_of_the_release_that_the_cell_names(
    checkout: Path, answering: Answering
) -> None:
    """A law that this release breaks is broken in the answer, which proves the release."""
    record = answering.answer(question(checkout, "planted==3.0", names=["work_is_done"]))
    assert (Verdict.FAIL, {"work_is_done": LawVerdict.FAIL}) == (record.verdict, verdicts(record))
    assert "3.0" == record.versions["planted"]
    assert record.is_settled


def test_what_two_releases_do_is_written_down_by_both(checkout: Path, answering: Answering) -> None:
    """The baseline's record stands first."""
    baseline = Place(python=here())
    asked = question(checkout, "planted==10.0", asked=Asked.BEHAVIOUR, baseline=baseline)
    record = answering.answer(asked)
    said = [each.scenes[0].observations[0].fields["returns"] for each in record.behaviour]
    assert ["done", "nearly done"] == said
    assert record.baseline is not None
    assert ("1.0", "10.0") == (record.baseline.versions()["planted"], record.versions["planted"])


def test_what_asks_for_a_difference_needs_something_to_differ_from(
    checkout: Path, answering: Answering
) -> None:
    """Nothing is asked then."""
    record = answering.answer(question(checkout, "planted==2.0", asked=Asked.BENCHMARKS))
    assert (Verdict.USAGE, True) == (record.verdict, "needs a baseline" in str(record.problem))


@pytest.mark.parametrize(
    ("more", "verdict", "words"),
    [
        ({"requirements": ["planted==99"]}, Verdict.USAGE, "no version of planted==99"),
        ({"requirements": ["planted==15.0"]}, Verdict.INVALID, "has no wheel"),
        ({"requirements": ["planted==12.0"]}, Verdict.UNKNOWN, "ended with signal 11"),
        ({"requirements": ["planted==7.0"]}, Verdict.UNKNOWN, "are not those that were"),
        ({"requirements": [], "python": "9.9"}, Verdict.INVALID, "no Python 9.9"),
    ],
)
def test_a_cell_without_an_answer_says_why(
    checkout: Path,
    answering: Answering,
    more: dict[str, list[str] | str],
    verdict: Verdict,
    words: str,
) -> None:
    """No release, no wheel, no record, no belief, no such Python: no pass, and nothing is kept."""
    place = msgspec.convert({"python": here(), **more}, Place)
    record = answering.answer(question(checkout, place=place))
    assert (verdict, True) == (record.verdict, words in str(record.problem)), record.problem
    assert (False, {}) == (record.is_settled, verdicts(record))


def test_a_cell_of_another_checkout_is_refused(checkout: Path, answering: Answering) -> None:
    """Answers of different sources cannot be laid side by side."""
    record = answering.answer(question(checkout, "planted==1.1", sources="elsewhere"))
    assert (Verdict.USAGE, None) == (record.verdict, record.laws)
    assert "another checkout" in str(record.problem)


def test_a_file_goes_in_and_a_file_comes_out(
    checkout: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As a plan hands it out: the exit code and the last line are those of the answer."""
    asked, answer = tmp_path / "cell.json", tmp_path / "answer.json"
    write(asked, question(checkout, "planted==1.1", names=["always_holds"]))
    assert Verdict.PASS.exit_code == cell.main([str(asked), "--out", str(answer)])
    record = read(answer, CellRecord)
    assert read(asked, Cell) == record.cell
    assert record.last_line == capsys.readouterr().out.splitlines()[-1]


def test_a_file_that_is_no_cell_is_a_usage_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is asked, and the last line says so."""
    (tmp_path / "cell.json").write_text("{}")
    assert 2 == cell.main([str(tmp_path / "cell.json"), "--out", str(session.OUT / "cell.json")])
    assert "cell: usage: nothing was asked\n" == capsys.readouterr().out
