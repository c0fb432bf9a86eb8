"""Does their code survive the upgrade? Its laws in both environments, with what it needs."""

from pathlib import Path

import pytest

from reports import gate, requirements, session
from reports.schema import LawOutcome, Verdict
from reports.tests.test_the_gate_answers import ask, texts


def theirs(folder: Path, code: str, needs: str = "") -> tuple[str, ...]:
    """Their folder with one module, as options of a gate."""
    (folder / "billing.py").write_text(code)
    if needs:
        (folder / "requirements.txt").write_text(needs)
    return ("--with", str(folder), "--subject", "billing")


def test_only_they_are_asked(checkout: Path, tmp_path: Path) -> None:
    """Nothing is timed, behaviour is not compared, and what they do not offer is no doubt."""
    code, record = ask(checkout, "planted==1.1", *theirs(tmp_path, "import planted"))
    assert (0, Verdict.PASS) == (code, record.verdict), record.reasons
    assert "of billing alone: 3 of 5 laws hold, nothing timed" == record.summary
    assert ([], [], 0) == (record.benchmarks, record.behaviour, record.figures["epochs"])
    (silent,) = [row for row in record.laws if row.outcome is LawOutcome.NOT_ASKED]
    assert "guards_decide [billing]" == silent.law
    assert "billing does not offer guards" == silent.reason
    assert "1 laws are not asked: the subject offers no ground for guards_decide" in texts(
        record, Verdict.PASS
    )
    assert any("only billing was asked" in each for each in record.weaknesses)
    assert record.replay is not None
    assert record.replay.endswith(f" --with {tmp_path} --subject billing")


def test_what_breaks_a_law_of_theirs_fails(checkout: Path, tmp_path: Path) -> None:
    """Planted 3.0 breaks one."""
    code, record = ask(checkout, "planted==3.0", *theirs(tmp_path, "import planted"))
    assert (1, Verdict.FAIL) == (code, record.verdict)
    assert "the law work_is_done [billing] holds with the baseline, not with this" in texts(
        record, Verdict.FAIL
    )


REFUSES = "import planted\nassert not hasattr(planted, 'BREAKS_A_LAW'), 'no such release'\n"


def test_a_release_that_cannot_take_them_fails(checkout: Path, tmp_path: Path) -> None:
    """They cannot be imported with it, and can with the baseline."""
    code, record = ask(checkout, "planted==3.0", *theirs(tmp_path, REFUSES))
    assert (1, Verdict.FAIL) == (code, record.verdict)
    said = "the subject can be made with the baseline, not with this: "
    assert said in record.reasons[0].text
    assert "no such release" in record.reasons[0].text


def test_who_cannot_be_imported_at_all_is_a_usage_error(
    checkout: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """That is no answer about a release."""
    assert 2 == gate.main(["planted==3.0", *theirs(tmp_path, "import nosuch_")])
    assert "No module named 'nosuch_'" in capsys.readouterr().err
    assert 2 == gate.main(["planted==3.0", "--with", str(tmp_path)])
    assert "name it" in capsys.readouterr().err


def test_what_they_need_is_installed_on_both_sides(checkout: Path, tmp_path: Path) -> None:
    """As their requirements.txt says; their bound on what is asked for does not hold it."""
    needs = "tagalong  # brought\nplanted<2\n"
    asked = theirs(tmp_path, "import tagalong, planted", needs)
    code, record = ask(checkout, "planted==3.0", *asked)
    assert (1, Verdict.FAIL) == (code, record.verdict)
    assert [("planted", "1.0", "3.0")] == [
        (row.name, row.baseline, row.candidate) for row in record.changes
    ]


def test_what_they_need_is_read_from_their_project(tmp_path: Path) -> None:
    """A wheel or an empty folder needs nothing; what is no release is told."""
    assert [] == requirements.needed_by(None) == requirements.needed_by(str(tmp_path))
    project = tmp_path / "pyproject.toml"
    project.write_text("[project]\nname = 'billing'\ndependencies = ['aiosqlite>=0.20']\n")
    assert ["aiosqlite>=0.20"] == list(map(str, requirements.needed_by(str(tmp_path))))
    for bad in ("['-e .']", "['x @ https://example.org/x.whl']"):
        project.write_text(f"[project]\nname = 'billing'\ndependencies = {bad}\n")
        with pytest.raises(session.UsageError, match=r"Write NAME|names an address"):
            requirements.needed_by(str(tmp_path))
