"""Two finished files show what can be seen in them, and never more than that."""

import json
from pathlib import Path

import pytest

from reports import compare, schema
from reports.schema import CompareRecord, Verdict
from reports.tests import benchmark_files
from reports.tests.benchmark_files import rounds

QUIET = {"control": rounds(100, seed=1), "manager": rounds(500, seed=2)}


def run(tmp_path: Path, *names: str) -> tuple[int, CompareRecord]:
    out = tmp_path / "out" / "compare.json"
    code = compare.main([*(str(tmp_path / name) for name in names), "--out", str(out)])
    return code, schema.read(out, CompareRecord)


def test_the_same_file_twice_is_unknown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Identical rounds are no pass: the scatter between runs is not in the files."""
    benchmark_files.write(tmp_path / "a.json", QUIET)
    code, record = run(tmp_path, "a.json", "a.json")
    assert (3, Verdict.UNKNOWN) == (code, record.verdict)
    assert "no pairs" in record.reasons[-1].text
    printed = capsys.readouterr().out.splitlines()
    assert record.last_line == printed[-1]
    assert any("1.000" in line and "manager" in line for line in printed)


def test_a_twofold_slowdown_beside_a_quiet_control_fails(tmp_path: Path) -> None:
    """A change far outside the noise of any two runs is named, with its least size."""
    benchmark_files.write(tmp_path / "a.json", QUIET)
    slow = {"control": rounds(100, seed=3), "manager": rounds(1000, seed=4)}
    benchmark_files.write(tmp_path / "b.json", slow)
    code, record = run(tmp_path, "a.json", "b.json")
    assert (1, Verdict.FAIL) == (code, record.verdict)
    assert record.reasons[0].text.startswith("manager: 1.96 times the baseline, at least 1.87;")


@pytest.mark.parametrize(
    ("changes", "doubt"),
    [
        ({"control": rounds(150, seed=5)}, "the control control moved"),
        ({"control": None}, "no control benchmark"),
        ({"manager": rounds(500 * 1.4, seed=6)}, "no pairs"),
        ({"manager": rounds(1000, seed=6, count=3)}, "no pairs"),
    ],
)
def test_a_slowdown_that_the_machine_could_explain_is_unknown(
    tmp_path: Path, changes: dict[str, list[float] | None], doubt: str
) -> None:
    """A moved or missing control, a small change or few rounds leave the question open."""
    benchmark_files.write(tmp_path / "a.json", QUIET)
    slow = {"control": rounds(100, seed=3), "manager": rounds(1000, seed=4)} | changes
    benchmark_files.write(tmp_path / "b.json", {k: v for k, v in slow.items() if v is not None})
    code, record = run(tmp_path, "a.json", "b.json")
    assert (3, Verdict.UNKNOWN) == (code, record.verdict)
    assert doubt in record.reasons[0].text


def test_another_machine_is_unknown(tmp_path: Path) -> None:
    """Two machines are two machines, however large the difference."""
    benchmark_files.write(tmp_path / "a.json", QUIET)
    slow = {"control": rounds(100, seed=3), "manager": rounds(1000, seed=4)}
    benchmark_files.write(tmp_path / "b.json", slow, machine_info={"node": "elsewhere"})
    code, record = run(tmp_path, "a.json", "b.json")
    assert 3 == code
    assert "different machines" in record.reasons[0].text


def bad_files() -> dict[str, tuple[str, int, str]]:
    """Text of a bad file, the exit code, and words of the error."""
    good = benchmark_files.content(QUIET)

    def stats(data: object) -> str:
        return json.dumps(benchmark_files.content({"manager": data}))

    return {
        "empty": ("", 2, "not JSON"),
        "prose": ("no json", 2, "not JSON"),
        "nested": ("[" * 100_000, 2, "not JSON"),
        "list": ("[]", 2, "not a record of pytest-benchmark"),
        "other": ("{}", 2, "not a record of pytest-benchmark"),
        "session": (
            '{"kind": "session", "figures": {"a.file": "out/a.json", "b.file": "b.json", "x": 1}}',
            2,
            "a file for each group: name out/a.json or b.json.",
        ),
        "newer": (json.dumps({**good, "version": "6.0.0"}), 4, "pytest-benchmark 6.0.0"),
        "odd version": (json.dumps({**good, "version": None}), 4, "pytest-benchmark None"),
        "no benchmarks": (json.dumps({**good, "benchmarks": []}), 4, "holds no benchmark"),
        "twice": (
            json.dumps({**good, "benchmarks": good["benchmarks"] * 2}),
            4,
            "stands in it twice",
        ),
        "NaN": (stats([1e-3, float("nan")]), 4, "a round of nan s"),
        "infinite": (stats([float("inf")]), 4, "a round of inf s"),
        "zero": (stats([0.0]), 4, "a round of 0.0 s"),
        "negative": (stats([-1.0]), 4, "a round of -1.0 s"),
        "text": (stats(["1"]), 4, "not as pytest-benchmark writes it"),
        "huge": (stats([10**400]), 4, "not as pytest-benchmark writes it"),
        "no rounds": (stats([]), 4, "has no rounds"),
        "no data": (stats(None), 4, "no raw rounds"),
        "other benchmarks": (
            json.dumps(benchmark_files.content({"other": rounds(1, seed=1)})),
            2,
            "no benchmark in common",
        ),
    }


@pytest.mark.parametrize("name", bad_files())
def test_a_file_that_cannot_be_compared_says_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    """Each bad file has its own sentence and its exit code, on either side."""
    text, expected_code, words = bad_files()[name]
    (tmp_path / "bad.json").write_text(text)
    benchmark_files.write(tmp_path / "good.json", QUIET)
    for files in (("bad.json", "good.json"), ("good.json", "bad.json")):
        code, record = run(tmp_path, *files)
        assert (expected_code, expected_code) == (code, record.verdict.exit_code)
        assert words in record.reasons[0].text
        printed = capsys.readouterr()
        assert words in printed.err
        assert printed.out.splitlines() == [record.last_line]


def test_a_missing_file_and_a_missing_name_are_usage_errors(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even a command line that cannot be read ends in a last line with its verdict."""
    benchmark_files.write(tmp_path / "a.json", QUIET)
    assert 2 == run(tmp_path, "a.json", "none.json")[0]
    assert "no such file" in capsys.readouterr().err
    monkeypatch.setattr("reports.session.OUT", tmp_path / "default")
    assert 2 == compare.main(["--such"])
    printed = capsys.readouterr()
    assert "required" in printed.err
    assert printed.out.startswith("compare: usage: ")
