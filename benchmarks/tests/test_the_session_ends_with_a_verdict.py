"""The command from outside: what it writes, how it ends, and what it leaves when it cannot."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from benchmarks.__main__ import main
from benchmarks.process import ROOT
from reports.schema import Environment, SessionRecord, Verdict, read

STATED = ROOT / "reports" / "out" / "benchmarks.json"


def ran(*arguments: str) -> tuple[int, str]:
    """Run the session to its end; return its exit code and its last line."""
    ended = subprocess.run(
        [sys.executable, "-m", "benchmarks", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    lines = ended.stdout.splitlines() or [ended.stderr]
    return ended.returncode, lines[-1]


def state_of(path: Path) -> bytes | None:
    """The content of a file that must not change."""
    return path.read_bytes() if path.exists() else None


def test_a_gate_gets_pytest_benchmarks_own_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four stable names, raw rounds of each, and what the process ran on.

    Options of pytest that lie about in the environment leave none of them out.
    """
    monkeypatch.setenv("PYTEST_ADDOPTS", "-k control")
    before = state_of(STATED)
    out = tmp_path / "a folder" / "epoch's 1.json"
    code, last = ran("--group", "gate", "--json", str(out))
    assert (0, "benchmarks: pass: 4 of 4 benchmarks measured") == (code, last)
    content = json.loads(out.read_text())
    names = [each["fullname"] for each in content["benchmarks"]]
    wanted = ("control", "bare_machine", "aiosqlite_transaction", "manager")
    assert [f"benchmarks/test_gate.py::test_{name}" for name in wanted] == names
    assert {40} == {len(each["stats"]["data"]) for each in content["benchmarks"]}
    seen = msgspec.convert(content["machine_info"]["fsmcore_environment"], Environment)
    assert {"aiosqlite", "python-statemachine"} <= seen.versions().keys()
    assert [out.name] == os.listdir(out.parent)
    assert before == state_of(STATED)


def test_a_session_keeps_its_record_and_the_files_it_is_about(tmp_path: Path) -> None:
    """The record names the file beside it, and holds the same figures by name."""
    out = tmp_path / "benchmarks.json"
    code, last = ran("--group", "gate", "--out", str(out), "--", "-k", "control")
    record = read(out, SessionRecord)
    assert (0, Verdict.PASS, last) == (code, record.verdict, record.last_line)
    assert "gate.json" == record.figures["gate.file"]
    assert record.figures["gate.control.each_us"]
    assert ["gate.json"] == os.listdir(tmp_path / "benchmarks")


def test_a_wrong_result_fails_and_is_named_in_the_file(tmp_path: Path) -> None:
    """Of two benchmarks one is wrong: it has no figure, the other has, and the file says why."""
    out = tmp_path / "out.json"
    broken = tmp_path / "broken.py"
    broken.write_text(
        "import sys\n"
        "from benchmarks import __main__, plain\n"
        "plain.PlainLoop._transition = lambda self, db: None\n"
        "plain.PlainLoop.check = lambda self: ['moved nothing']\n"
        "sys.exit(__main__.main(sys.argv[1:]))\n"
    )
    ended = subprocess.run(
        [
            *(sys.executable, str(broken), "--group", "gate", "--json", str(out)),
            *("--", "-k", "control or bare_machine"),
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert 1 == ended.returncode
    content = json.loads(out.read_text())
    assert ["test_bare_machine"] == [each["name"] for each in content["benchmarks"]]
    ((name, why),) = content["fsmcore_not_measured"].items()
    assert "benchmarks/test_gate.py::test_control" == name
    assert why.endswith("its time means nothing: moved nothing")
    last = ended.stdout.splitlines()[-1]
    assert last.startswith("benchmarks: fail: 1 of 2 benchmarks measured; not control: ")


def test_nothing_chosen_is_unknown_and_writes_nothing(tmp_path: Path) -> None:
    """A session that measured nothing is not green."""
    out = tmp_path / "out.json"
    code, last = ran("--group", "gate", "--json", str(out), "--", "-k", "no_such_benchmark")
    assert (3, "benchmarks: unknown: no benchmark was chosen") == (code, last)
    assert [] == os.listdir(tmp_path)


def test_a_file_that_cannot_be_written_is_said_before_anything_is_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where a folder should be is a file: a usage error, and nothing is left."""
    (tmp_path / "taken").write_text("a file")
    for option in ("--json", "--out"):
        assert 2 == main(["--group", "gate", option, str(tmp_path / "taken" / "out.json")])
        assert "out.json cannot be written: File exists" in capsys.readouterr().out
    assert ["taken"] == os.listdir(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--group", "nonsense"], "argument --group: invalid choice: 'nonsense'"),
        (["--synchronous", "OFF"], "argument --synchronous: invalid choice: 'OFF'"),
        (["--folder", "no/such/folder"], "--folder no/such/folder: no such folder. Make it first"),
        (["--json", "a", "--out", "b"], "argument --out: not allowed with argument --json"),
    ],
)
def test_a_wrong_option_is_a_usage_error(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line that names the option, and exit code 2."""
    assert 2 == main(arguments)
    assert capsys.readouterr().out.startswith(f"benchmarks: usage: {sentence}")


def test_an_interrupted_run_keeps_the_old_file_and_leaves_no_database(tmp_path: Path) -> None:
    """Ctrl-C when one benchmark is measured: the old file is whole, and the folder is empty."""
    out, databases = tmp_path / "gate.json", tmp_path / "databases"
    out.write_text("what an earlier run wrote")
    databases.mkdir()
    process = subprocess.Popen(
        [
            # Long enough that the signal also comes in time where this process is kept waiting.
            *(sys.executable, "-m", "benchmarks", "--group", "ladder"),
            *("--json", str(out), "--folder", str(databases)),
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        bufsize=0,
    )
    assert process.stdout is not None
    seen = b""
    while b"test_fresh_connection " not in seen and (piece := process.stdout.read(64)):
        seen += piece
    process.send_signal(signal.SIGINT)
    rest, _ = process.communicate(timeout=60)
    # Mostly "interrupted"; inside pytest's own machinery it becomes an internal error of pytest.
    assert rest.splitlines()[-1].startswith(b"benchmarks: invalid: ")
    assert 4 == process.returncode
    assert "what an earlier run wrote" == out.read_text()
    assert (["databases", "gate.json"], []) == (
        sorted(os.listdir(tmp_path)),
        os.listdir(databases),
    )
