"""A run of the laws that is killed leaves the laws that were asked to their end, and says so."""

import signal
import subprocess
import sys
from pathlib import Path

from properties.session import ROOT
from reports import schema
from reports.schema import LawsRecord, LawVerdict, Verdict

ASKED = ("assume_a_lock_is_fair", "assume_close_may_be_repeated", "assume_rows_are_plain_tuples")

IN_PARTS = "assume_an_async_guard_is_awaited"

# Kills itself as soon as so many laws stand in its record.
KILLED = """
import os, signal, sys
from properties import __main__ as properties, unfinished
from reports import schema
unfinished.EVERY_S = 0.0
write = schema.write
def then_die(path, record):
    write(path, record)
    if len(record.laws) == int(sys.argv[1]):
        os.kill(os.getpid(), signal.SIGKILL)
schema.write = then_die
properties.main(sys.argv[2:])
"""


def test_its_record_is_partial_and_unknown(tmp_path: Path) -> None:
    """Two of three laws had been asked: both stand there with their verdicts and their proof."""
    out = tmp_path / "laws.json"
    chosen = [word for name in ASKED for word in ("--law", name)]
    argv = [sys.executable, "-c", KILLED, "2", "--profile", "brief", "--record", str(out), *chosen]
    ended = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    assert -signal.SIGKILL == ended.returncode, ended.stderr
    record = schema.read(out, LawsRecord)
    assert (True, Verdict.UNKNOWN) == (record.is_partial, record.verdict)
    assert "2 of 3 questions were asked so far" == record.summary
    assert {LawVerdict.PASS} == {law.verdict for law in record.laws}
    assert record.environment is not None
    assert record.environment.library("aiosqlite") is not None


def test_a_run_that_ends_leaves_a_whole_one(tmp_path: Path) -> None:
    """What was partial on the way is replaced at the end."""
    out = tmp_path / "laws.json"
    argv = [sys.executable, "-c", KILLED, "-1", "--profile", "brief", "--record", str(out)]
    argv += ["--law", ASKED[0], "--law", ASKED[1]]
    subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    record = schema.read(out, LawsRecord)
    assert (False, Verdict.PASS, 2) == (record.is_partial, record.verdict, len(record.laws))


def test_a_law_that_was_asked_in_part_is_not_told(tmp_path: Path) -> None:
    """One of two questions of a law has been answered: nobody knows whether it holds."""
    out = tmp_path / "laws.json"
    argv = [sys.executable, "-c", KILLED, "0", "--profile", "brief", "--record", str(out)]
    ended = subprocess.run([*argv, "--law", IN_PARTS], cwd=ROOT, capture_output=True, check=False)
    assert -signal.SIGKILL == ended.returncode
    assert "0 of 1 questions were asked so far" == schema.read(out, LawsRecord).summary
