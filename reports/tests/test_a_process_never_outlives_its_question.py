"""Whatever ends the wait, the process and its children are gone, and how it ended is known."""

import os
import select
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from reports import processes
from reports.processes import Ended, clean_environ

PATIENCE_S = 20.0
CHECKOUT = Path(processes.__file__).resolve().parent.parent

# Starts a child that would live for ten minutes, and says its number in the fifo.
PARENT = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
with open(sys.argv[1], "w") as fifo:
    fifo.write(str(child.pid))
time.sleep(600)
"""


def run(tmp_path: Path, argv: Sequence[str], **options: object) -> Ended:
    fixed = {
        "folder": tmp_path,
        "environ": clean_environ(),
        "log": tmp_path / "log",
        "limit_s": PATIENCE_S,
        "pulse": lambda _: None,
    }
    return processes.run([sys.executable, *argv], **{**fixed, **options})  # type: ignore[arg-type]


def is_gone(pid: int) -> bool:
    """Whether a process ends within our patience; waits for its end, not for a clock."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], PATIENCE_S)[0])
    finally:
        os.close(descriptor)


def test_how_a_process_ended_is_told(tmp_path: Path) -> None:
    """Exit code, signal and last words are those of the program, not of the launcher."""
    code = "import sys; print('hello'); sys.exit(7)"
    assert (7, "hello") == (
        (ended := run(tmp_path, ["-c", code])).exit_code,
        ended.last_words,
    )
    killed = run(tmp_path, ["-c", "import os; os.kill(os.getpid(), 11)"])
    assert (-11, "it printed nothing") == (killed.exit_code, killed.last_words)
    died = run(
        tmp_path, ["-c", "import atexit; atexit.register(print, 'bye'); raise ValueError(1)"]
    )
    assert (1, "ValueError: 1") == (died.exit_code, died.last_words)


def test_a_hang_is_ended_with_its_children(tmp_path: Path) -> None:
    """At the limit the whole group is killed, grandchildren too."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    ended = run(tmp_path, ["-c", PARENT, str(fifo)], limit_s=1.0)
    grandchild = int(os.read(reader, 20))
    os.close(reader)
    assert ended.exit_code is None
    assert is_gone(grandchild)


def test_an_interrupt_ends_the_process_with_its_children(tmp_path: Path) -> None:
    """Ctrl-C while waiting leaves nobody behind."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    found: list[int] = []

    def interrupt(_: str) -> None:
        if text := os.read(reader, 20):
            found.append(int(text))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, ["-c", PARENT, str(fifo)], pulse=interrupt)
    os.close(reader)
    assert is_gone(found[0])


@pytest.mark.skipif(sys.platform != "linux", reason="death signals of a parent are Linux")
def test_a_killed_gate_takes_its_process_along(tmp_path: Path) -> None:
    """SIGKILL leaves no time to clean up, so the kernel does it."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    waits = "import os, sys, time; open(sys.argv[1], 'w').write(str(os.getpid())); time.sleep(600)"
    gate = (
        "import sys, pathlib; from reports import processes; folder = pathlib.Path(sys.argv[2]);"
        "processes.run(sys.argv[3:], folder=folder, environ={}, log=folder / 'log', limit_s=600,"
        " pulse=lambda _: None)"
    )
    argv = [sys.executable, "-c", gate, "-", str(tmp_path), sys.executable, "-c", waits, str(fifo)]
    process = subprocess.Popen(argv, cwd=CHECKOUT)
    pid = int(fifo.read_text())
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert is_gone(pid)


def test_a_pinned_process_stays_on_its_cpu(tmp_path: Path) -> None:
    """The affinity is the program's own, and the layout of its memory repeats."""
    cpu = max(os.sched_getaffinity(0))
    code = "import os; print(sorted(os.sched_getaffinity(0)), id(object))"
    first, second = (run(tmp_path, ["-c", code], cpu=cpu).last_words for _ in range(2))
    assert first.startswith(f"[{cpu}] ")
    assert str(sorted(os.sched_getaffinity(0))) in run(tmp_path, ["-c", code]).last_words
    if sys.platform == "linux" and _may_fix_addresses():
        assert first == second


def _may_fix_addresses() -> bool:
    """Containers may forbid `personality`; then the layout is random, which is only noisier."""
    code = "import ctypes; print(ctypes.CDLL(None).personality(0x0040000))"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return not ended.stdout.startswith("-1")


def test_what_leads_python_elsewhere_is_not_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """A path or an option of the outer Python does not reach the measured one."""
    for name in ("PYTHONPATH", "PYTHONSTARTUP", "PYTEST_ADDOPTS", "VIRTUAL_ENV"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("LANG", "C.UTF-8")
    environ = clean_environ(PYTHONHASHSEED="7")
    assert "C.UTF-8" == environ["LANG"]
    assert "7" == environ["PYTHONHASHSEED"]
    assert [] == [n for n in environ if n.startswith(("PYTHONP", "PYTHONS", "PYTEST", "VIRTUAL"))]


def test_a_flood_of_output_is_read_from_its_end(tmp_path: Path) -> None:
    """A process that prints without end costs no memory of ours."""
    ended = run(tmp_path, ["-c", "print('x' * 10**7); print('last')"])
    assert len(ended.tail) <= processes.TAIL_BYTES
    assert "last" == ended.last_words
