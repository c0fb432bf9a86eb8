"""`nox -s durability` as its users call it, and what it leaves behind."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
COMMAND = [sys.executable, "-m", "properties.durability"]
OPENING = ("--workload", "open-close", "--seconds", "1.5", "--seed", "3")


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )


def test_a_run_ends_with_a_table_a_record_and_a_line(tmp_path: Path) -> None:
    """Each figure of the table stands in the record too."""
    record = tmp_path / "durability.json"
    done = _run(*OPENING, "--record", str(record))
    assert 0 == done.returncode, done.stderr
    lines = done.stdout.splitlines()
    assert re.fullmatch(
        r"durability: pass: SQLite [\d.]+, 1 of 1 laws hold, \d+ acknowledged, 0 killed, seed 3",
        lines[-1],
    )
    assert any(line.startswith("  open-close 1") for line in lines)
    assert '"open-close 1: acknowledged"' in record.read_text()
    assert "open-close 1/1" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--seconds", "0"), "--seconds is 0.0"),
        (("--runs", "0"), "--runs is 0"),
        (("--processes", "0"), "--processes is 0"),
        (("--workload", "nosuch"), "invalid choice: 'nosuch'"),
        (("--sqlite", "2.8.17"), "SQLite 2.8.17 cannot be reached"),
    ],
)
def test_bad_options_say_what_to_do(arguments: tuple[str, ...], said: str) -> None:
    """Exit code 2, a sentence, nothing asked."""
    done = _run(*arguments)
    assert (2, "durability: usage: nothing was asked\n") == (done.returncode, done.stdout)
    assert said in done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_leaves_nothing(number: int, tmp_path: Path) -> None:
    """No process, no folder, no record; the last line says that nothing was judged."""
    record = tmp_path / "record.json"
    # Not "subject": on an SQLite with the WAL-reset bug it may end by itself, with what it lost.
    arguments = ("--workload", "open-close", "--seconds", "60", "--record", str(record))
    process = subprocess.Popen(
        [*COMMAND, *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler) and None,
    )
    assert process.stderr is not None
    children: list[tuple[int, list[str]]] = []
    for line in process.stderr:
        children = _children(process.pid)
        if re.search(r"[1-9]\d* acknowledged", line) and len(children) >= 2:
            break
    folders = {Path(word).parent for child in children for word in child[1] if "sqlite3" in word}
    assert len(children) >= 2 and len(folders) == 1
    process.send_signal(number)
    printed, _ = process.communicate(timeout=60)
    assert (130, "durability: invalid: interrupted\n") == (process.returncode, printed)
    assert [] == [pid for pid, _ in children if os.path.exists(f"/proc/{pid}")]
    assert [] == [folder for folder in folders if folder.exists()]
    assert not record.exists()


def _children(pid: int) -> list[tuple[int, list[str]]]:
    pids = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    told = [(int(each), _command_line(each)) for each in pids]
    return [(pid, words) for pid, words in told if words]


def _command_line(pid: str) -> list[str]:
    """Return its words; none for one that has just ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().rstrip("\0").split("\0")
    except (FileNotFoundError, ProcessLookupError):
        return []
