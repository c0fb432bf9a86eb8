"""A habit's verdict comes from what its commands said at their end, not from an exit code."""

import errno
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path

import pytest

from reports import habit, session
from reports.habit import HABITS, PYTEST_CLOSING, PYTEST_CODES, TOOL_CODES, Said, Step
from reports.schema import SessionRecord, Verdict, read

PYTEST = HABITS["tests"][0]


def _step(
    code: str,
    *,
    codes: Mapping[int, Verdict] = TOOL_CODES,
    closing: str = r"^said: (.*)$",
    is_silent: bool = False,
    is_needed_by_the_rest: bool = False,
) -> Step:
    return Step(
        label="step",
        module="sys",
        code=code,
        codes=codes,
        closing=closing,
        is_silent=is_silent,
        is_needed_by_the_rest=is_needed_by_the_rest,
    )


@pytest.mark.parametrize(
    ("code", "closing_line", "expected"),
    [
        (0, "===== 12 passed in 0.34s =====", (Verdict.PASS, "12 passed in 0.34s")),
        (0, "12 passed in 75.02s (0:01:15)", (Verdict.PASS, "12 passed in 75.02s")),
        (
            1,
            "\x1b[31m==== \x1b[1m1 failed\x1b[0m, 3 passed, 2 skipped, 1 xfailed in 1.00s =====",
            (Verdict.FAIL, "1 failed, 3 passed, 2 skipped, 1 xfailed in 1.00s"),
        ),
        (5, "===== no tests ran in 0.01s =====", (Verdict.UNKNOWN, "no tests ran in 0.01s")),
        (5, "==== 9 deselected in 0.10s ====", (Verdict.UNKNOWN, "9 deselected in 0.10s")),
        (2, "===== 1 error in 0.10s =====", (Verdict.INVALID, "1 error in 0.10s")),
        (4, "", (Verdict.USAGE, "ended with 4 and without its closing line")),
        (3, "INTERNALERROR>", (Verdict.INVALID, "ended with 3 and without its closing line")),
        (-9, "", (Verdict.INVALID, "ended with -9 and without its closing line")),
    ],
)
def test_pytests_closing_line_is_read(
    code: int, closing_line: str, expected: tuple[Verdict, str]
) -> None:
    """Colours, long runs, nothing collected, a crash: each has its one verdict."""
    said = habit.read(PYTEST, code, f"collected 12 items\n\n{closing_line}\n")
    assert (said.verdict, said.words) == expected


def test_the_last_closing_line_counts() -> None:
    """A failing test's captured output may hold the closing line of another run."""
    output = "Captured stdout\n1 passed in 0.01s\n==== 1 failed, 3 passed in 0.20s ====\n"
    assert habit.read(PYTEST, 1, output).words == "1 failed, 3 passed in 0.20s"


def test_a_success_that_says_nothing_is_unknown() -> None:
    """`pytest --version` ends with 0 and has tested nothing."""
    assert habit.read(PYTEST, 0, "pytest 9.2.0\n").verdict is Verdict.UNKNOWN


def test_a_traceback_is_no_finding() -> None:
    """An uncaught error also ends with 1, and nothing was judged."""
    assert habit.read(PYTEST, 1, "ModuleNotFoundError: no fsmcore\n").verdict is Verdict.INVALID


def test_the_worst_verdict_wins_and_a_finding_beats_a_crash() -> None:
    """What was found stands, whatever could not be judged beside it."""
    said = [
        Said(label="a", verdict=Verdict.PASS, words="clean"),
        Said(label="b", verdict=Verdict.FAIL, words="Found 3 errors"),
        Said(label="c", verdict=Verdict.INVALID, words="ended with 2"),
    ]
    record = habit.conclude("lint", said, 1.0)
    expected = "lint: fail: a: clean; b: Found 3 errors; c: ended with 2"
    assert expected == record.last_line
    assert habit.conclude("lint", said[::2], 1.0).verdict is Verdict.INVALID


def test_every_verdict_has_a_severity() -> None:
    """A verdict that is added later cannot be forgotten here."""
    assert set(Verdict) == set(habit.SEVERITY)


def test_output_passes_through_unchanged(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """Bytes that are no text included."""
    code = r"import sys; sys.stdout.buffer.write(b'\xff\x00x\nsaid: all well\n')"
    said = habit.run(_step(code), [])
    assert b"\xff\x00x\nsaid: all well\n" == capfdbinary.readouterr().out
    assert Said(label="step", verdict=Verdict.PASS, words="all well") == said


def test_the_end_of_a_long_output_is_heard(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """The closing line is read although ten megabytes went before it, and all of them are shown."""
    said = habit.run(_step("print('x' * 99 * 100_000); print('said: 9,900,000')"), [])
    assert (said.verdict, said.words) == (Verdict.PASS, "9,900,000")
    assert len(capfdbinary.readouterr().out) == 9_900_017


def test_a_slow_reader_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command may end before anybody has read what it said."""

    class SlowReader(threading.Thread):
        def start(self) -> None:
            """Not yet."""

        def join(self, timeout: float | None = None) -> None:
            assert timeout is not None
            self.run()

    monkeypatch.setattr(threading, "Thread", SlowReader)
    assert habit.run(_step("print('said: yes')"), []).words == "yes"


def test_options_go_to_the_one_tool_that_takes_them() -> None:
    """`nox -s lint -- --fix` is for ruff check alone."""
    takers = [step.label for step in HABITS["lint"] if "--fix" in step.argv(["--fix"])]
    assert takers == ["ruff check"]


def test_a_step_that_the_rest_needs_stops_the_rest() -> None:
    """Laws are not run on libraries that could not be installed."""
    first = _step("print('said: no'); raise SystemExit(1)", is_needed_by_the_rest=True)
    verdicts = [each.verdict for each in habit.run_all([first, _step("print('said: yes')")], [])]
    assert verdicts == [Verdict.FAIL]


def test_a_finding_does_not_stop_the_rest() -> None:
    """One run shows all that there is to repair."""
    steps = [_step("print('said: no'); raise SystemExit(1)"), _step("print('said: yes')")]
    verdicts = [each.verdict for each in habit.run_all(steps, [])]
    assert verdicts == [Verdict.FAIL, Verdict.PASS]


def test_a_command_that_never_ends_is_killed_and_invalid() -> None:
    """A leaked worker thread keeps a process whose tests are green."""
    said = habit.run(_step("import threading; threading.Event().wait()"), [], limit_s=0.5)
    assert (said.verdict, said.words) == (Verdict.INVALID, "had not ended after 0.5 s")


def test_a_process_left_behind_does_not_hold_the_habit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It inherits the pipe, and the pipe does not close before it ends."""
    monkeypatch.setattr(habit, "_GRACE_S", 0.2)
    pid_file = tmp_path / "pid"
    orphan = "import threading; threading.Event().wait(60)"
    code = (
        "import pathlib, subprocess, sys\n"
        f"orphan = subprocess.Popen([sys.executable, '-c', {orphan!r}])\n"
        f"pathlib.Path({str(pid_file)!r}).write_text(str(orphan.pid))\n"
        "print('said: yes')\n"
    )
    said = habit.run(_step(code), [])
    os.kill(int(pid_file.read_text()), signal.SIGTERM)  # raises when it had already ended
    assert said.verdict is Verdict.PASS


def test_a_tool_that_is_not_installed_is_invalid() -> None:
    """The message says where it is."""
    step = Step(label="x", module="no_such_tool.part", codes=TOOL_CODES)
    expected = "no_such_tool is not installed here; run the habit by its nox session"
    assert Said(label="x", verdict=Verdict.INVALID, words=expected) == habit.run(step, [])


def test_a_habit_leaves_a_record_and_one_last_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The record, the last line and the exit code agree."""
    monkeypatch.setattr(session, "OUT", tmp_path)
    monkeypatch.setattr(habit, "HABITS", {"tests": (_step("print('said: 3 of 3')"),)})
    assert habit.main(["tests"]) == 0
    record = read(tmp_path / "tests.json", SessionRecord)
    assert capsys.readouterr().out.splitlines()[-1] == record.last_line == "tests: pass: 3 of 3"
    assert record.figures["step"] == "pass: 3 of 3"
    assert {"python", "msgspec"} <= set(record.versions)


def test_a_checkout_that_cannot_be_written_is_said_before_anything_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Nobody waits for tests whose record cannot be kept. (A file is where a folder should be.)"""
    (tmp_path / "reports").touch()
    monkeypatch.setattr(session, "OUT", tmp_path / "reports" / "out")
    monkeypatch.setattr(habit, "HABITS", {"tests": (_step("print('said: 3 of 3')"),)})
    assert habit.main(["tests"]) == 4
    expected = "tests: invalid: nothing was run: reports/out cannot be written (Not a directory)\n"
    assert expected == capfd.readouterr().out


def test_a_folder_without_permission_is_said_before_anything_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Also when the folder exists. (Simulated: permissions do not bind every user.)"""

    def refuse(**_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(session, "OUT", tmp_path)
    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    assert habit.main(["tests"]) == 4
    expected = (
        "tests: invalid: nothing was run: reports/out cannot be written (Permission denied)\n"
    )
    assert expected == capfd.readouterr().out


def test_an_unknown_habit_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    """It names the habits there are."""
    assert habit.main(["test"]) == 2
    expected = "habit: usage: name one of tests, lint, types, minimums, not 'test'\n"
    assert expected == capsys.readouterr().out


def test_help_explains_and_records_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """What runs, where the options go, and the tool's own help."""
    monkeypatch.setattr(session, "OUT", tmp_path)
    assert habit.main(["tests", "--help"]) == 0
    shown = capfd.readouterr().out
    assert "python -m pytest -p no:benchmark [options]" in shown
    assert "usage: " in shown
    assert list(tmp_path.iterdir()) == []


def test_a_callers_own_options_leave_no_test_out(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """PYTEST_ADDOPTS would deselect tests, and the habit would pass without a word."""
    monkeypatch.setenv("PYTEST_ADDOPTS", "-k nosuch")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "a page that tests would write on")
    monkeypatch.setenv("PYTEST_PLUGINS", "nosuch")
    monkeypatch.setenv("KEPT", "as it is")
    names = "{'GITHUB_STEP_SUMMARY', 'PYTEST_ADDOPTS', 'PYTEST_PLUGINS', 'KEPT'}"
    show = f"import os; print(sorted({names} & {{*os.environ}}))"
    habit.run(_step(show, codes=TOOL_CODES, is_silent=True), [])
    assert "['KEPT']\n" == capfd.readouterr().out


def test_the_tests_really_run_under_pytest(tmp_path: Path) -> None:
    """End to end, on a real pytest in a process of its own: its options arrive, its end is read."""
    (tmp_path / "test_it.py").write_text("def test_right(): pass\ndef test_wrong(): assert 0\n")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-k", "right", "-q"]
    ended = subprocess.run(
        [*command, "-c", os.devnull, tmp_path], capture_output=True, text=True, check=False
    )
    step = _step("", codes=PYTEST_CODES, closing=PYTEST_CLOSING)
    said = habit.read(step, ended.returncode, ended.stdout)
    assert said.verdict is Verdict.PASS
    assert said.words.startswith("1 passed, 1 deselected in ")


def test_what_a_habit_starts_in_the_background_can_be_interrupted() -> None:
    """A shell's `&` lets its children ignore SIGINT, which they would hand on."""
    child = "import signal; print(signal.getsignal(signal.SIGINT) is signal.SIG_IGN)"
    asked = [sys.executable, "-c", child]
    code = f"import subprocess; from reports import habit; {{}}subprocess.run({asked!r})"
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        said = [
            subprocess.run(
                [sys.executable, "-c", code.format(first)], capture_output=True, text=True
            ).stdout.strip()
            for first in ("", "habit.hear_interrupts(); ")
        ]
    finally:
        signal.signal(signal.SIGINT, before)
    assert said == ["True", "False"]
