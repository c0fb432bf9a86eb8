"""Whoever asks sees at once that the gate works, and never waits in silence.

The one place in the tests that looks at a clock, because a promise about time is what it is about.
What must be said within two seconds is held against the CPU time of the gate, which a busy machine
does not change; a silence is what its reader would have to bear.
"""

import itertools
import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

from reports.tests.test_the_gate_survives_its_surroundings import CHECKOUT, outside

FIRST_CPU_S = 2.0
SILENCE_S = 5.0


def cpu_s(pid: int) -> float:
    """The CPU time of a process until now, its own and the kernel's for it."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.skipif(sys.platform != "linux", reason="CPU time is read from /proc")
@pytest.mark.parametrize("reader", ["pipe", "terminal"])
def test_its_first_word_comes_at_once_and_the_next_soon(
    checkout: Path, tmp_path: Path, reader: str
) -> None:
    """One law of a library that sleeps until its time is up, read from a pipe and a terminal."""
    source, sink = pty.openpty() if reader == "terminal" else os.pipe()
    asked = ["planted==5.0", "--law", "always_holds", "--time-budget", "13"]
    argv = outside(checkout, *asked, "--out", str(tmp_path / "gate.json"))
    process = subprocess.Popen(argv, cwd=CHECKOUT, stdout=sink, stderr=sink)
    os.close(sink)
    said: list[float] = []
    words = b""
    first_cpu_s = None
    while process.poll() is None or select.select([source], [], [], 0)[0]:
        ready = select.select([source], [], [], 0.5)[0]
        try:
            heard = os.read(source, 65536) if ready else b""
        except OSError:  # a terminal whose other end is closed
            break
        if heard:
            first_cpu_s = cpu_s(process.pid) if first_cpu_s is None else first_cpu_s
            said.append(time.monotonic())
            words += heard
        elif ready:
            break
    os.close(source)
    assert 3 == process.wait(), words.decode()
    assert first_cpu_s is not None and first_cpu_s <= FIRST_CPU_S
    assert b"the question: planted==5.0" in words
    gaps = [later - sooner for sooner, later in itertools.pairwise(said)]
    assert max(gaps) <= SILENCE_S, words.decode()
    assert said[-1] - said[0] > SILENCE_S, "nothing was slow enough to be silent"
