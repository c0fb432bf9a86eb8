"""One fresh process: pytest on the files of a group, and its record written whole or not at all.

    python -m benchmarks.process GROUP OUT.json [options of pytest]

Beside OUT.json a file OUT.said holds the verdict and its words, for the session that waits.
The file is pytest-benchmark's own, with every raw round. `machine_info.fsmcore_environment` says
what the process ran on; `fsmcore_not_measured` names every benchmark that gave no figure, and why.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from benchmarks.workload import Recorder, WrongResultError
from fsmcore import StoreUnavailableError
from reports.schema import Verdict

ROOT = Path(__file__).resolve().parent.parent
QUIET = ("-v", "--no-header", "--tb=short", "--benchmark-quiet")
PATIENT = ("-o", "faulthandler_timeout=1800")
"""A cell may take minutes; only one that hangs needs a look at its threads."""

NO_ALARM = ("-W", "ignore::pytest_benchmark.logger.PytestBenchmarkWarning")
"""It warns when nothing was measured, which our own last line says; as an error, from a hook of
pytest's end, the warning would hide that line."""

LEAN = ("-p", "no:cacheprovider", "-p", "no:hypothesispytest")
"""Nothing is written beside the record, and nothing is imported that no benchmark needs: the
plugin of Hypothesis alone takes longer than all that the gate's group measures."""

ENDED = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
"""Only then has every benchmark had its turn; pytest-benchmark also writes after Ctrl-C."""

INTERRUPTED = "interrupted; nothing was recorded"

ENVIRONMENTAL = (OSError, sqlite3.OperationalError, StoreUnavailableError)
"""Errors of the machine (no room, no rights): they say nothing about what is measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What one process concluded, in a few words."""

    verdict: Verdict
    words: str


@dataclass(slots=True, eq=False)
class Watch:
    """Keeps what became of each benchmark; a plugin of pytest."""

    measured: set[str] = field(default_factory=set)
    not_measured: dict[str, str] = field(default_factory=dict)
    worst: Verdict = Verdict.PASS
    uncollected: list[str] = field(default_factory=list)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Any:  # whatever the wrapped hooks made; passed on unseen
        report = yield
        if report.when == "call" and report.passed:
            self.measured.add(item.nodeid)
        elif report.failed and call.excinfo is not None:
            self._note(item, call.excinfo.value)
        elif report.skipped:
            self.not_measured[item.nodeid] = "skipped"
        return report

    def _note(self, item: pytest.Item, error: BaseException) -> None:
        # A benchmark may pass and fail in its clean-up, or fail in both: the first reason counts.
        text = str(error) if isinstance(error, WrongResultError) else _described(error)
        self.not_measured.setdefault(item.nodeid, text)
        self.measured.discard(item.nodeid)
        recorder: Recorder | None = getattr(item, "funcargs", {}).get("benchmark")
        if recorder is not None:
            recorder.has_error = True
        if not isinstance(error, ENVIRONMENTAL):
            self.worst = Verdict.FAIL
        elif self.worst is Verdict.PASS:
            self.worst = Verdict.INVALID

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Keep the last line of what stopped a file from being read."""
        if report.failed:
            lines = [line for line in str(report.longrepr).splitlines() if line.strip()]
            self.uncollected.append(lines[-1].removeprefix("E").strip() if lines else "no reason")

    @pytest.hookimpl(optionalhook=True)
    def pytest_benchmark_update_json(self, output_json: dict[str, Any]) -> None:
        """Name in the file itself what is missing in it."""
        output_json["fsmcore_not_measured"] = self.not_measured

    def said(self, code: int) -> Said:
        """Turn pytest's exit code and what was seen into a verdict."""
        if code == pytest.ExitCode.USAGE_ERROR:
            return Said(verdict=Verdict.USAGE, words="pytest refused its options, see above")
        if self.uncollected:
            return Said(verdict=Verdict.INVALID, words=f"cannot start: {self.uncollected[0]}")
        if code == pytest.ExitCode.INTERRUPTED:
            return Said(verdict=Verdict.INVALID, words=INTERRUPTED)
        if code == pytest.ExitCode.NO_TESTS_COLLECTED:
            return Said(verdict=Verdict.UNKNOWN, words="no benchmark was chosen")
        if code not in ENDED:
            return Said(verdict=Verdict.INVALID, words=f"pytest ended with {code}, see above")
        total = len(self.measured) + len(self.not_measured)
        words = f"{len(self.measured)} of {total} benchmarks measured"
        reasons: dict[str, list[str]] = {}
        for name, reason in self.not_measured.items():
            reasons.setdefault(reason, []).append(name.rpartition("::test_")[2])
        words += "".join(f"; not {', '.join(each)}: {why}" for why, each in reasons.items())
        return Said(verdict=self.worst, words=words)


def measure(groups: Sequence[str], out: Path, options: Sequence[str]) -> Said:
    """Run the groups' files in this process, from the checkout's root, and write ``out``.

    What stood at ``out`` stays until the new file is whole. Called once a process.
    """
    for name in [name for name in os.environ if name.startswith("PYTEST_")]:
        del os.environ[name]  # a caller's own options would leave benchmarks out in silence
    watch = Watch()
    files = [f"benchmarks/test_{group}.py" for group in groups]
    fixed = (*files, *QUIET, *PATIENT, *NO_ALARM, *LEAN)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent) as beside:
            partial = Path(beside, "partial")
            recorded = (f"--benchmark-json={partial}", f"--benchmark-storage=file://{beside}")
            with contextlib.chdir(ROOT):
                code = pytest.main([*fixed, *recorded, *options], plugins=[watch])
            said = watch.said(code)
            if code in ENDED and partial.exists():
                with partial.open("rb") as whole:
                    os.fsync(whole.fileno())
                partial.replace(out)
            elif said.verdict is Verdict.PASS:
                return Said(verdict=Verdict.UNKNOWN, words="nothing was recorded")
    except OSError as error:
        return Said(verdict=Verdict.INVALID, words=f"cannot write {out.name}: {error.strerror}")
    return said


def _described(error: BaseException) -> str:
    lines = str(error).splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


def heard(out: Path) -> Said | None:
    """Return what a finished process concluded, which an exit code alone does not prove.

    A traceback also ends with 1, and a process that was killed has concluded nothing.
    """
    try:
        verdict, _, words = _said_file(out).read_text(encoding="utf-8").partition("\n")
    except FileNotFoundError:
        return None
    return Said(verdict=Verdict(verdict), words=words)


def _said_file(out: Path) -> Path:
    return out.with_suffix(".said")


def main(arguments: Sequence[str]) -> int:
    """Measure one group; the last line says what came of it."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    group, out, *options = arguments
    said = measure([group], Path(out).absolute(), options)
    _said_file(Path(out)).write_text(f"{said.verdict.value}\n{said.words}", encoding="utf-8")
    print(f"{group}: {said.verdict.value}: {said.words}", flush=True)
    return said.verdict.exit_code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
