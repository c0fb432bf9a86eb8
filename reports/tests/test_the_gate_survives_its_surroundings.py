"""Whatever is wrong around a gate: a clear sentence, never a pass, and nothing half left behind.

Everything is really wrong here: a disk that is full, an index that is not there, a folder of
wheels, a neighbour at work, a release that crashes or babbles. What each printed is in
docs/gate.md.
"""

import contextlib
import fcntl
import functools
import hashlib
import http.server
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from reports import gate, schema, session, telling
from reports.environments import Builder
from reports.laws import LawsRun
from reports.schema import BenchmarkComparison, BenchmarkOutcome, GateRecord, LawOutcome, Verdict
from reports.tests import stand_in
from reports.tests.test_the_gate_answers import ask, processes_in, texts, with_limits
from reports.timing import Timing

CHECKOUT = Path(gate.__file__).resolve().parent.parent
OUTSIDE = (
    "import pathlib, sys; from reports import gate, session;"
    "session.ROOT = pathlib.Path(sys.argv[1]); sys.exit(gate.main(sys.argv[2:]))"
)
LAZY = ("--law", "assume_it_is_lazy", "--time-budget", "1")
ONE_LAW = ("--law", "always_holds", "--time-budget", "1")


def outside(checkout: Path, *arguments: str) -> list[str]:
    """The command line of a gate in a process of its own."""
    return [sys.executable, "-c", OUTSIDE, str(checkout), *arguments]


def half(checkout: Path) -> list[str]:
    """Every process and every half environment that is left."""
    return [*processes_in(checkout), *map(str, (checkout / ".gate").glob("building-*"))]


def stop_at(
    words: str, how: signal.Signals | None, checkout: Path, *arguments: str
) -> tuple[int, list[str]]:
    """Start a gate, stop it when it says these words; returns its exit code and what it said."""
    said: list[str] = []
    argv = outside(checkout, *arguments)
    with subprocess.Popen(argv, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            said.append(line)
            if how is not None and re.search(words, line):
                process.send_signal(how)
                how = None
    return process.returncode, said


def stopped_gates(checkout: Path) -> list[Path]:
    return sorted((checkout / ".gate" / "gates").glob("*/"))


@pytest.fixture
def alone(checkout: Path) -> Path:
    """The stand-in, without gates that other tests have stopped."""
    shutil.rmtree(checkout / ".gate" / "gates", ignore_errors=True)
    return checkout


def test_ctrl_c_keeps_what_has_ended_and_resume_goes_on(
    alone: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The baseline's laws are not asked again, and the verdict is the one it would have been."""
    out = str(tmp_path / "gate.json")
    code, said = stop_at("laws, baseline:", signal.SIGINT, alone, "planted==3.0", "--out", out)
    assert 130 == code
    assert "gate: invalid: nothing was judged" == said[-1].strip()
    record = schema.read(out, GateRecord)
    assert "--resume goes on with it" in record.reasons[0].text
    assert [] == half(alone)
    kept = stopped_gates(alone)[0] / "laws-baseline" / "laws.json"
    asked_ns = kept.stat().st_mtime_ns
    code, record = ask(alone, "--resume", "--keep")
    assert (1, Verdict.FAIL, ["planted==3.0"]) == (code, record.verdict, record.requirements)
    assert "the law work_is_done [planted] holds with the baseline" in record.reasons[0].text
    again = alone / "reports" / "out" / "gate" / "laws-baseline" / "laws.json"
    assert asked_ns == again.stat().st_mtime_ns
    assert "(goes on)" in capsys.readouterr().out
    assert [] == stopped_gates(alone)
    assert 2 == gate.main(["--resume", "--out", out])
    assert "no gate was stopped here" in capsys.readouterr().err


def test_a_gate_that_was_killed_goes_on_with_its_epochs(
    alone: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """SIGKILL while the clocks run: epochs that had ended count, the torn one does not."""
    code, _ = stop_at(r"  epoch \d", signal.SIGKILL, alone, "planted==1.1")
    assert -signal.SIGKILL == code
    left = len(list((stopped_gates(alone)[0] / "pairs").glob("ended-*.json")))
    assert left >= 1
    code, record = ask(alone, "--resume", "--time-budget", "6", "--keep")
    assert record.verdict is not Verdict.FAIL
    assert f"{left} epochs were left by the gate that was stopped" in capsys.readouterr().out
    assert [] == half(alone)


def test_what_changed_meanwhile_is_not_mixed(
    alone: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A stopped gate does not go on with other sources, and a spoilt question is told."""
    stop_at("laws, baseline:", signal.SIGINT, alone, "planted==3.0")
    changed = alone / "properties" / "later.py"
    changed.touch()
    try:
        assert 2 == gate.main(["--resume"])
    finally:
        changed.unlink()
    assert "this checkout has changed since" in capsys.readouterr().err
    question = stopped_gates(alone)[0] / "question.json"
    text = question.read_text()
    for spoilt, words in (
        (text[:-20], "not a record of this project"),
        (text.replace('"schema_version": 1', '"schema_version": 9'), "schema version 9"),
    ):
        question.write_text(spoilt)
        assert 2 == gate.main(["--resume"])
        assert words in capsys.readouterr().err


@pytest.mark.parametrize("size_kb", [8, 64, 600, 1000])
def test_a_full_disk_is_invalid(alone: Path, tmp_path: Path, size_kb: int) -> None:
    """No room for the question, an interpreter, a library, a second environment: told as such."""
    place = alone / ".gate"
    place.mkdir(exist_ok=True)
    # A file system of so many kilobytes, in a mount namespace that only this gate sees.
    script = f'mount -t tmpfs -o size={size_kb}k none "$0" && shift 0 && exec "$@"; exit 99'
    argv = ["unshare", "--mount", "--map-root-user", "sh", "-c", script, str(place)]
    argv += outside(alone, "planted==3.0", "--out", str(tmp_path / "gate.json"))
    ended = subprocess.run(argv, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    if ended.returncode == 99 or "unshare" in ended.stderr:
        pytest.skip(f"no file system can be mounted here: {ended.stderr}")
    assert 4 == ended.returncode, ended.stdout + ended.stderr
    assert "gate: invalid: nothing was judged" == ended.stdout.splitlines()[-1]
    assert "No space left on device" in ended.stderr
    assert [] == half(alone)


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    """A package index of one's own, as pip and uv read it."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Say nothing."""

    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/simple"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def unset(checkout: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The stand-in where the environment names no place for releases, as under nox."""
    for name in ("UV_FIND_LINKS", "UV_NO_INDEX", "UV_OFFLINE"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    return checkout


def test_an_index_of_ones_own_is_asked(unset: Path, stand_in_folder: Path, tmp_path: Path) -> None:
    """With `--index`, releases come from there; without one that answers it is invalid."""
    for wheel in (stand_in_folder / "wheels").iterdir():
        page = tmp_path / "simple" / wheel.name.split("-")[0]
        page.mkdir(parents=True, exist_ok=True)
        shutil.copy(wheel, page)
    for page in (tmp_path / "simple").iterdir():
        links = (f'<a href="{each.name}">{each.name}</a>' for each in sorted(page.iterdir()))
        (page / "index.html").write_text("\n".join(links))
    with served(tmp_path) as url:
        code, record = ask(unset, "planted==9.0", *LAZY, "--index", url)
    assert (1, Verdict.FAIL) == (code, record.verdict), record.reasons
    code, record = ask(unset, "planted==2.0", *ONE_LAW, "--index", url)
    assert (4, Verdict.INVALID) == (code, record.verdict)
    assert "no package index could be reached for planted==2.0" in record.reasons[0].text


def test_a_folder_of_wheels_needs_no_network(
    unset: Path, stand_in_folder: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """With `--wheelhouse` nothing else is asked; what it lacks is told."""
    wheels = ["--wheelhouse", str(stand_in_folder / "wheels")]
    code, record = ask(unset, "planted==9.0", *LAZY, *wheels)
    assert (1, Verdict.FAIL) == (code, record.verdict), record.reasons
    code, record = ask(unset, "planted==99", *ONE_LAW, *wheels)
    assert (2, Verdict.USAGE) == (code, record.verdict)
    assert "there is no version of planted==99" in record.reasons[0].text
    assert 2 == gate.main(["planted", "--wheelhouse", str(tmp_path / "nowhere")])
    assert "there is no such folder" in capsys.readouterr().err


def test_constraints_hold_by_their_hashes(
    checkout: Path, stand_in_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A wheel with another hash than the constraints name is not installed."""
    wheel = stand_in_folder / "wheels" / "planted-9.0-py3-none-any.whl"
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    limits = tmp_path / "constraints.txt"
    asked = ["planted>=9,<10", *LAZY, "--constraint", str(limits)]
    limits.write_text(f"# ours\nplanted==9.0 \\\n    --hash=sha256:{digest}\n")
    code, record = ask(checkout, *asked)
    assert (1, Verdict.FAIL) == (code, record.verdict), record.reasons
    before = set((checkout / ".gate" / "environments").iterdir())
    limits.write_text(f"planted==9.0 --hash=sha256:{'0' * 64}\n")
    code, record = ask(checkout, *asked)
    assert (4, Verdict.INVALID) == (code, record.verdict), record.reasons
    assert "Hash mismatch for `planted==9.0`" in record.reasons[0].text
    assert before == set((checkout / ".gate" / "environments").iterdir())
    limits.write_text("planted==10.0\n")
    code, record = ask(checkout, "planted==9.0", *asked[1:])
    assert (2, Verdict.USAGE) == (code, record.verdict), record.reasons
    for line in ("--index-url http://evil.example", "planted @ http://evil.example/x.whl"):
        limits.write_text(f"{line}\n")
        assert 2 == gate.main(asked)
        assert "is no constraint" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("release", "code", "words"),
    [
        ("14.0", 2, "Python"),
        ("14.1", 2, "unused"),
        (stand_in.SOURCE_ONLY, 4, "has no wheel for this place, and cannot be built here"),
    ],
)
def test_a_release_that_cannot_be_had_is_told(
    checkout: Path, release: str, code: int, words: str
) -> None:
    """For another Python; in conflict with what we need; only as a source that needs a build."""
    before = set((checkout / ".gate" / "environments").glob("*"))
    found, record = ask(checkout, f"planted=={release}", *ONE_LAW)
    assert code == found, record.reasons
    assert words in record.reasons[0].text
    # The baseline may have been built for it; nothing else was, and nothing half.
    assert len(set((checkout / ".gate" / "environments").glob("*")) - before) <= 1
    assert [] == half(checkout)


def test_a_release_that_crashes_on_import_is_no_pass(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A segmentation fault on import: no law is believed, and it is told by its signal."""
    code, record = ask(checkout, "planted==12.0", "--time-budget", "10")
    assert record.verdict in {Verdict.FAIL, Verdict.UNKNOWN}
    assert code == record.verdict.exit_code
    assert "the candidate ended with signal 11 and left no record" in texts(record, Verdict.UNKNOWN)
    assert LawOutcome.HOLDS not in {law.outcome for law in record.laws}
    assert [] == half(checkout)


def test_a_release_that_babbles_on_import_changes_nothing(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A megabyte of words and terminal codes: the laws hold, and none of it is printed raw."""
    code, record = ask(checkout, "planted==11.0", *ONE_LAW)
    assert (0, Verdict.PASS) == (code, record.verdict), record.reasons
    assert [LawOutcome.HOLDS] == [law.outcome for law in record.laws]
    printed = capsys.readouterr().out
    assert "\x1b" not in printed
    assert len(printed) < 5000


@pytest.mark.parametrize(
    ("release", "words"),
    [("13.0", "not a record of this project"), ("13.1", "schema version 999")],
)
def test_a_record_that_cannot_be_read_is_unknown(checkout: Path, release: str, words: str) -> None:
    """The candidate's laws left half a record, or one of a newer edition."""
    code, record = ask(checkout, f"planted=={release}", "--time-budget", "1")
    assert (3, Verdict.UNKNOWN) == (code, record.verdict), record.reasons
    assert words in texts(record, Verdict.UNKNOWN)
    assert {LawOutcome.UNKNOWN} == {law.outcome for law in record.laws}


def test_laws_that_never_end_leave_what_was_asked(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed at its limit: what had been asked by then holds, the rest is unknown."""
    with_limits(monkeypatch, laws_s=4.0)
    code, record = ask(checkout, "planted==13.2", "--time-budget", "1")
    assert (3, Verdict.UNKNOWN) == (code, record.verdict), record.reasons
    assert {
        "work_is_done [planted]": LawOutcome.HOLDS,
        "assume_it_is_eternal [planted]": LawOutcome.FAILS_IN_BOTH,
        "always_holds [planted]": LawOutcome.UNKNOWN,
        "assume_it_is_lazy [planted]": LawOutcome.UNKNOWN,
    } == {law.law: law.outcome for law in record.laws}
    said = texts(record, Verdict.UNKNOWN)
    assert "the laws: the candidate was killed after" in said
    assert "2 of 4 laws were asked so far" in said


def test_more_time_is_more_time_for_each_part(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Laws that have one second of the usual budget have two of twice as much, and no less."""
    limits: list[float] = []

    def run_laws(*_: object, limit_s: float, **__: object) -> LawsRun:
        limits.append(limit_s)
        return LawsRun(record=None, problem="was not asked")

    with_limits(monkeypatch, laws_s=1.0, budget_s=30.0)
    monkeypatch.setattr("reports.verdict.run_laws", run_laws)
    nothing = Timing(rows=[], reasons=[], epoch_count=0, is_pinned=True)
    monkeypatch.setattr("reports.verdict.measure", lambda *_, **__: nothing)
    for budget in ("60", "30", "15"):
        ask(checkout, "planted==1.1", "--law", "always_holds", "--time-budget", budget)
    assert [2.0, 2.0, 1.0, 1.0, 1.0, 1.0] == limits
    # Where there is too little for both sides, the first does not take the second one's share.
    with_limits(monkeypatch, laws_s=1000.0)
    ask(checkout, "planted==1.1", "--law", "always_holds", "--time-budget", "65")
    assert limits[-2] <= 30 < limits[-1]


@pytest.mark.parametrize(
    "name",
    [
        "../../planted==1.0",
        "planted @ file:///etc/passwd",
        "planted==1.0\n--index-url http://evil.example",
        "\x1b[2Jplanted==1.0",
        "planted==1.0; import os",
        "pla$(touch x)nted",
        "-rplanted",
        "planted[x]==1.0",
        "\uff50lanted==1.0",
        "a" * 100_000,
    ],
)
def test_a_hostile_name_is_a_usage_error(
    checkout: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """It reaches no resolver, no shell, no terminal."""
    assert 2 == gate.main([name, "--out", str(checkout / "reports" / "out" / "gate.json")])
    printed = capsys.readouterr()
    said = printed.out.splitlines()
    assert "gate: usage: nothing was judged" == said[-1]
    assert len(said) <= 2
    assert "\x1b" not in printed.err + printed.out
    assert len(printed.err) < 2000
    assert not (CHECKOUT / "x").exists()


def test_two_gates_at_once_both_answer(checkout: Path, tmp_path: Path, builder: Builder) -> None:
    """Neither takes the other's environments, folders or records."""
    builder.build("planted==1.1\n")
    commands = [
        outside(checkout, "planted==3.0", "--out", str(tmp_path / f"{number}.json"))
        for number in range(2)
    ]
    running = [subprocess.Popen(each, cwd=CHECKOUT, stdout=subprocess.DEVNULL) for each in commands]
    assert [1, 1] == [each.wait() for each in running]
    for number in range(2):
        record = schema.read(tmp_path / f"{number}.json", GateRecord)
        assert "the law work_is_done [planted] holds with the baseline" in record.reasons[0].text
    assert [] == half(checkout)


def test_clocks_wait_for_another_gates_clocks(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """While another gate times, this one waits; when its time is up it knows nothing."""
    place = checkout / ".gate" / "clocks"
    place.parent.mkdir(exist_ok=True)
    with place.open("a") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        code, record = ask(checkout, "planted==1.1", "--time-budget", "13")
    assert (3, Verdict.UNKNOWN) == (code, record.verdict), record.reasons
    assert "the time budget had no room" in texts(record, Verdict.UNKNOWN)
    assert "waiting: another gate's clocks run" in capsys.readouterr().out


FORBID_PINNING = """
import ctypes, os, platform, struct, sys
number = {"x86_64": 203, "aarch64": 122}[platform.machine()]  # sched_setaffinity
libc = ctypes.CDLL(None, use_errno=True)
# Classic BPF: load the call's number; if it is that one answer EPERM, else allow.
program = struct.pack("HBBI", 0x20, 0, 0, 0) + struct.pack("HBBI", 0x15, 0, 1, number)
program += struct.pack("HBBI", 0x06, 0, 0, 0x00050001) + struct.pack("HBBI", 0x06, 0, 0, 0x7fff0000)
held = ctypes.create_string_buffer(program)
filter = struct.pack("HxxxxxxP", 4, ctypes.addressof(held))
refused = libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, ctypes.create_string_buffer(filter))
sys.exit(99) if refused else os.execv(sys.argv[1], sys.argv[1:])
"""


ONE_EPOCH = """
import pathlib, random, sys
from reports.pairs import Pairing, Side
checkout, scratch = map(pathlib.Path, sys.argv[2:])
epoch = Pairing(
    starts={side: [sys.argv[1], "-m"] for side in Side}, checkout=checkout, scratch=scratch,
    limit_s=300.0, draw=random.Random(1), pulse=lambda _: None,
).epoch()
print(epoch.is_pinned, sorted(epoch.log_ratios()))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux pins, and only it can forbid it")
@pytest.mark.parametrize("is_allowed", [True, False])
def test_without_the_right_to_pin_the_result_is_weaker_and_says_so(
    builder: Builder, tmp_path: Path, is_allowed: bool
) -> None:
    """The kernel forbids pinning: the epoch is measured all the same, and known as not pinned."""
    python = builder.build(builder.lock_requirements()).python
    argv = [sys.executable, "-c", ONE_EPOCH, str(python), str(session.ROOT), str(tmp_path)]
    argv = argv if is_allowed else [sys.executable, "-c", FORBID_PINNING, *argv]
    ended = subprocess.run(argv, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert f"{is_allowed} ['control', 'work']\n" == ended.stdout, ended.stderr
    row = BenchmarkComparison(
        name="work",
        is_control=False,
        baseline_us=1.0,
        candidate_us=1.0,
        ratio=1.0,
        ratio_low=None,
        ratio_high=None,
        confidence=0.95,
        epoch_count=12,
        outcome=BenchmarkOutcome.UNKNOWN,
        epoch_ratios=[],
    )
    timing = Timing(rows=[row], reasons=[], epoch_count=12, is_pinned=is_allowed)
    said = telling.weaknesses(timing, None)
    assert is_allowed is (said == [])
    assert is_allowed or "not pinned to one CPU here, so intervals are wider" in said[0]


def test_an_error_of_ours_is_invalid_and_no_failure(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever escapes from the gate itself has judged nothing; Python's own code 1 is *fail*."""
    monkeypatch.setattr(session, "OUT", checkout / "reports" / "out")
    monkeypatch.setattr("reports.verdict.compare_laws", lambda *_, **__: 1 / 0)
    assert 4 == gate.main(["planted==3.0"])
    printed = capsys.readouterr()
    assert "ZeroDivisionError" in printed.err
    assert "gate: invalid: nothing was judged" == printed.out.splitlines()[-1]
    assert os.environ["UV_OFFLINE"] == "1"
