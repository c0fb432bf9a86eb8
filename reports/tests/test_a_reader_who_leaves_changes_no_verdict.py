"""`… | head -1` takes the output with it, and neither the exit code nor the record."""

import os
import subprocess
import sys
from pathlib import Path

from reports import schema
from reports.schema import CompareRecord, GateRecord, Verdict
from reports.tests import benchmark_files
from reports.tests.benchmark_files import rounds

CHECKOUT = Path(__file__).resolve().parents[2]


def _to_nobody(module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a session into a pipe that nobody reads any more."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        return subprocess.run(
            [sys.executable, "-m", module, *arguments],
            cwd=CHECKOUT,
            stdout=writer,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=60,
        )
    finally:
        os.close(writer)


def test_a_comparison_keeps_its_exit_code(tmp_path: Path) -> None:
    """A failure is still 1, what is unknown still 3."""
    quiet = {"control": rounds(100, seed=1), "manager": rounds(500, seed=2)}
    slow = {"control": rounds(100, seed=3), "manager": rounds(1000, seed=4)}
    a = str(benchmark_files.write(tmp_path / "a.json", quiet))
    b = str(benchmark_files.write(tmp_path / "b.json", slow))
    out = tmp_path / "compare.json"
    for first, second, code in ((a, b, 1), (a, a, 3)):
        done = _to_nobody("reports.compare", first, second, "--out", str(out))
        assert (code, "") == (done.returncode, done.stderr)
        assert code == schema.read(out, CompareRecord).verdict.exit_code


def test_a_gate_keeps_its_exit_code(tmp_path: Path) -> None:
    """It had said what it was asked before it found that it cannot ask."""
    out = tmp_path / "gate.json"
    done = _to_nobody("reports.gate", "rich==14.0.0", "--out", str(out))
    assert 2 == done.returncode
    assert "Traceback" not in done.stderr
    assert Verdict.USAGE is schema.read(out, GateRecord).verdict
