"""The whole gate on small real releases: each gets the verdict it deserves, and why.

The releases are those of `stand_in`: real wheels in real environments, judged by real processes.
"""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from reports import gate, policy, schema, session
from reports.environments import Builder
from reports.laws import LawsRun
from reports.schema import (
    AcceptedState,
    BenchmarkOutcome,
    ChangeOutcome,
    GateRecord,
    LawKind,
    LawOutcome,
    LawRecord,
    LawsRecord,
    LawVerdict,
    Verdict,
)

CHECKOUT = Path(gate.__file__).resolve().parent.parent


def ask(checkout: Path, *arguments: str) -> tuple[int, GateRecord]:
    out = checkout / "reports" / "out" / "gate.json"
    code = gate.main([*arguments, "--out", str(out)])
    return code, schema.read(out, GateRecord)


def with_policy(monkeypatch: pytest.MonkeyPatch, **parts: object) -> None:
    """Put parts of another policy in place of ours for one test."""
    known = msgspec.structs.replace(policy.load(), **parts)
    monkeypatch.setattr(policy, "load", lambda: known)


def with_limits(monkeypatch: pytest.MonkeyPatch, **limits: float) -> None:
    """Put other time limits in place of ours for one test."""
    with_policy(monkeypatch, limits=msgspec.structs.replace(policy.load().limits, **limits))


def texts(record: GateRecord, verdict: Verdict) -> str:
    return "\n".join(reason.text for reason in record.reasons if reason.verdict is verdict)


def test_a_twofold_slowdown_fails(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Planted 2.0 does its work twice: fail, confirmed, with a quiet control."""
    code, record = ask(checkout, "planted==2.0")
    assert (1, Verdict.FAIL) == (code, record.verdict), record.reasons
    assert "work takes" in record.reasons[0].text
    assert "confirmed on fresh epochs" in record.reasons[0].text
    work, control = record.benchmarks
    assert (BenchmarkOutcome.REGRESSED, BenchmarkOutcome.QUIET) == (work.outcome, control.outcome)
    assert work.ratio_low is not None and work.ratio_low > 1.05
    assert len(work.epoch_ratios) == work.epoch_count == record.figures["epochs"]
    assert record.baseline is not None and record.candidate is not None
    assert {"1.0", "2.0"} == {
        side.versions()["planted"] for side in (record.baseline, record.candidate)
    }
    printed = capsys.readouterr().out.splitlines()
    assert record.last_line == printed[-1]
    assert printed[0].endswith(f"planted==2.0 in place of the lock (seed {record.seed})")


def test_a_release_against_itself_never_fails(checkout: Path) -> None:
    """The same release on both sides may be unknown on a busy machine, and never fails."""
    code, record = ask(checkout, "planted==1.0")
    assert record.verdict in {Verdict.PASS, Verdict.UNKNOWN, Verdict.INVALID}, record.reasons
    assert code == record.verdict.exit_code
    assert int(record.figures["epochs"] or 0) >= 12
    assert [("planted", "1.0", "1.0")] == [
        (row.name, row.baseline, row.candidate) for row in record.changes
    ]


def test_a_broken_law_fails_without_a_clock(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Planted 3.0 breaks a law; a law that fails in both is not held against it."""
    code, record = ask(checkout, "planted==3.0")
    assert (1, Verdict.FAIL) == (code, record.verdict)
    assert {
        "work_is_done [planted]": LawOutcome.NEW_FAILURE,
        "assume_it_is_eternal [planted]": LawOutcome.FAILS_IN_BOTH,
        "always_holds [planted]": LawOutcome.HOLDS,
        "assume_it_is_lazy [planted]": LawOutcome.HOLDS,
    } == {law.law: law.outcome for law in record.laws}
    assert "the law work_is_done [planted] holds with the baseline" in record.reasons[0].text
    printed = capsys.readouterr().out
    assert "replay: python -m properties" in printed
    assert "to ask a law again with this upgrade: .gate/environments/" in printed
    assert record.replay is not None
    argv = [*record.replay.split(), "--record", "again.json", "--law", "work_is_done"]
    assert 1 == subprocess.run(argv, cwd=checkout, check=False).returncode
    assert [] == record.benchmarks


def test_a_release_that_cannot_be_imported_fails_and_its_noise_is_harmless(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Planted 4.0 prints a terminal code and raises: no law passes, no escape is printed."""
    code, record = ask(checkout, "planted==4.0")
    assert (1, Verdict.FAIL) == (code, record.verdict)
    assert "RuntimeError: broken \x1b[2Jrelease" in texts(record, Verdict.FAIL)
    assert "left no record: RuntimeError" in texts(record, Verdict.UNKNOWN)
    assert "\x1b" not in capsys.readouterr().out


def test_a_release_that_hangs_is_ended_and_is_no_pass(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planted 5.0 sleeps on import: its processes are killed at their limits."""
    with_limits(monkeypatch, laws_s=1.0, benchmarks_s=4.0)  # the baseline ends also when it is busy
    code, record = ask(checkout, "planted==5.0")
    assert (1, Verdict.FAIL) == (code, record.verdict)
    assert re.search(r"it was killed after \d s", texts(record, Verdict.FAIL))
    assert "was killed after" in texts(record, Verdict.UNKNOWN)


def test_a_law_that_the_candidate_hides_is_no_pass(checkout: Path) -> None:
    """Planted 8.0 makes a law vanish, which is not the same as holding it."""
    code, record = ask(checkout, "planted==8.0", "--time-budget", "15")
    assert (3, Verdict.UNKNOWN) == (code, record.verdict)
    assert "work_is_done [planted] is unknown; the candidate did not report it" in texts(
        record, Verdict.UNKNOWN
    )


def test_a_release_that_changes_itself_is_invalid_and_is_removed(checkout: Path) -> None:
    """Planted 7.0 is not what was installed once it ran, so nothing it said counts."""
    code, record = ask(checkout, "planted==7.0")
    assert (4, Verdict.INVALID) == (code, record.verdict)
    assert "the files of planted 7.0 are not those that were installed" in record.reasons[0].text
    left = (checkout / ".gate" / "environments").glob("*/lib/*/site-packages/planted-7.0*")
    assert [] == list(left)


def test_a_library_that_nothing_imports_is_unknown(checkout: Path) -> None:
    """A question about what is never used is not answered by the silence of the rest."""
    code, record = ask(checkout, "unused", "--law", "always_holds", "--time-budget", "15")
    assert (3, Verdict.UNKNOWN) == (code, record.verdict)
    assert ["always_holds [planted]"] == [law.law for law in record.laws]
    assert "nothing that ran imported unused" in texts(record, Verdict.UNKNOWN)
    assert record.summary.startswith("partial, only the law always_holds was asked: ")
    assert record.benchmarks == []
    assert len(record.weaknesses) == 1
    assert record.weaknesses[0] == (
        "only the law always_holds was asked: nothing is known of the others, behaviour was not "
        "compared, and no clocks were run"
    )


def test_each_side_meets_what_the_other_has_drawn(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the tool that draws is in question: all of the baseline's cases, its own broken ones.

    The candidate alone broke one law by a case that breaks it with the baseline too, and one by a
    case that does not; with the baseline's cases it breaks a third.
    """
    asked: list[tuple[str, list[str], list[str]]] = []

    def run_laws(
        *_: object, scratch: Path, only: Sequence[str], cases: Sequence[str], **__: object
    ) -> LawsRun:
        named = [Path(each).parent.name if "/" in each else each for each in cases]
        asked.append((scratch.name, list(only), named))
        broken = {
            "laws-baseline": "",
            "laws-candidate": "both mine",
            "met-candidate": "yours",
            "met-baseline": "both",
        }[scratch.name].split()
        laws = [
            LawRecord(
                law=law,
                kind=LawKind.ASSUMPTION,
                sentence=law,
                subject="planted",
                verdict=LawVerdict.FAIL if law in broken else LawVerdict.PASS,
                failure="broken" if law in broken else None,
                examples=1,
                steps=0,
                elapsed_ms=1,
                drawn=int(law != "fixed"),
            )
            for law in only or ("both", "fixed", "holds", "mine", "yours")
        ]
        record = LawsRecord(
            name="properties", verdict=Verdict.PASS, summary="x", profile="x", seed=1, laws=laws
        )
        return LawsRun(record=record, problem=None)

    monkeypatch.setattr("reports.verdict.run_laws", run_laws)
    monkeypatch.setattr("reports.verdict.Gate._believe", lambda *_: None)
    monkeypatch.setattr("reports.verdict.DRAWN_BY", "planted")
    _, record = ask(checkout, "planted==1.1", "--time-budget", "1")
    drawing = ["both", "holds", "mine", "yours"]
    assert [
        ("laws-baseline", [], ["--note-cases", "laws-baseline"]),
        ("laws-candidate", [], ["--note-cases", "laws-candidate"]),
        ("met-candidate", drawing, ["--cases", "laws-baseline"]),
        ("met-baseline", ["both", "mine"], ["--cases", "laws-candidate"]),
    ] == asked
    assert {
        "both": LawOutcome.FAILS_IN_BOTH,
        "fixed": LawOutcome.HOLDS,
        "holds": LawOutcome.HOLDS,
        "mine": LawOutcome.NEW_FAILURE,
        "yours": LawOutcome.NEW_FAILURE,
    } == {law.law.partition(" ")[0]: law.outcome for law in record.laws}
    asked.clear()
    monkeypatch.setattr("reports.verdict.DRAWN_BY", "unused")
    ask(checkout, "planted==1.1", "--time-budget", "1")
    assert [("laws-baseline", [], []), ("laws-candidate", [], [])] == asked


def test_what_is_accepted_is_listed_with_its_line(
    checkout: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Planted 9.0 changed on purpose: a failure, until a line of the ledger names it."""
    asked = ["planted==9.0", "--law", "assume_it_is_lazy", "--time-budget", "15"]
    code, record = ask(checkout, *asked)
    assert (1, Verdict.FAIL) == (code, record.verdict)
    book = tmp_path / "accepted.toml"
    line = 'kind = "law"\nname = "assume_it_is_lazy"\npackage = "planted"\nversions = ">=9"\n'
    line += 'shows = "work was not done"\nreason = "nobody is lazy here"\nexpires = 2999-01-01\n'
    line += 'source = "https://planted.example"\n'
    book.write_text(f"[[accepted]]\n{line}")
    code, record = ask(checkout, *asked, "--accepted", str(book))
    assert (3, Verdict.UNKNOWN) == (code, record.verdict)
    # And nothing of clocks, which one law does not wait for.
    assert "no law held in both environments" == texts(record, Verdict.UNKNOWN)
    said = [reason.text for reason in record.reasons if reason.is_accepted]
    assert len(said) == 1
    assert said[0].startswith("the law assume_it_is_lazy [planted] newly fails; accepted by ")
    assert said[0].endswith("accepted.toml:1: nobody is lazy here")
    assert [AcceptedState.USED] == [each.state for each in record.ledger]
    assert "accepted: 1" in record.last_line
    printed = capsys.readouterr().out
    assert re.search(r"^ *accepted  the law assume_it_is_lazy", printed, re.MULTILINE)


def test_a_change_that_breaks_no_law_is_changed(
    checkout: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Planted 10.0 answers otherwise: unknown, told as a sentence, until a line accepts it."""
    code, record = ask(checkout, "planted==10.0")
    assert (3, Verdict.UNKNOWN) == (code, record.verdict), record.reasons
    sentence = "at work, `work` now returns nearly done (before: done)"
    assert [(sentence, "work/work returns", "planted, work, work")] == [
        (each.sentence, each.name, each.source) for each in record.behaviour
    ]
    assert f"changed, and accepted by nobody: {sentence} [work/work returns]" in texts(
        record, Verdict.UNKNOWN
    )
    assert re.search(r"^changed +at work, `work` now", capsys.readouterr().out, re.MULTILINE)
    book = tmp_path / "accepted.toml"
    line = 'kind = "behaviour"\nname = "work/*"\npackage = "planted"\nversions = "==10"\n'
    book.write_text(f'[[accepted]]\n{line}reason = "it is done"\nexpires = 2999-01-01\n')
    _, record = ask(checkout, "planted==10.0", "--accepted", str(book))
    assert [ChangeOutcome.ACCEPTED] == [each.outcome for each in record.behaviour]
    assert "changed" not in texts(record, Verdict.UNKNOWN)


def test_a_ledger_that_cannot_be_read_is_a_usage_error(
    checkout: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A malformed line accepts nothing in silence: the gate says which line, and what to do."""
    book = tmp_path / "accepted.toml"
    book.write_text("# one\n[[accepted]]\nkind = 'law'\n")
    code, record = ask(checkout, "planted==9.0", "--accepted", str(book))
    assert (2, Verdict.USAGE) == (code, record.verdict)
    assert "accepted.toml:2: missing required field name" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["planted==0.0.0"], "there is no version of planted==0.0.0"),
        (["rich==14.0.0"], "rich is not part of this project"),
        (["foo==="], "names no version"),
        (["--index-url=http://x"], "unrecognized arguments: --index-url"),
        (["planted==2.0", "--list"], "take no REQUIREMENT"),
        (["planted==2.0", "--index-url=http://x"], "unrecognized arguments: --index-url"),
        ([], "no REQUIREMENT was given"),
        (["planted==2.0", "--time-budget", "-1"], "seconds are a positive number"),
        (["planted==2.0", "--seed", "-1"], "a seed lies between"),
        (["planted==2.0", "--law", "unheard_of"], "no such law: unheard_of"),
    ],
)
def test_a_question_that_cannot_be_asked_is_a_usage_error(
    checkout: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    words: str,
) -> None:
    """Exit code 2, a sentence on stderr, the last line on stdout, and no half environment."""
    monkeypatch.setattr(session, "OUT", checkout / "reports" / "out")
    assert 2 == gate.main(arguments)
    record = schema.read(checkout / "reports" / "out" / "gate.json", GateRecord)
    printed = capsys.readouterr()
    assert words in printed.err
    assert "gate: usage: nothing was judged" == printed.out.splitlines()[-1]
    assert Verdict.USAGE is record.verdict
    assert [] == list((checkout / ".gate").glob("building-*"))


def test_a_record_that_cannot_be_written_is_said_before_anything_is_judged(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever reads the file after the gate would believe an older one."""
    (checkout / "file").touch()
    assert 2 == gate.main(["rich==1", "--out", str(checkout / "file" / "gate.json")])
    told = capsys.readouterr()
    assert "gate.json cannot be written" in told.err
    assert "gate: usage: nothing was judged\n" == told.out


def test_ctrl_c_leaves_no_process_and_no_half_record(stand_in_folder: Path, checkout: Path) -> None:
    """Interrupted while a release hangs: exit 130, a whole record, nobody left."""
    out = stand_in_folder / "interrupted.json"
    code = (
        "import pathlib, sys; from reports import gate, session;"
        "session.ROOT = pathlib.Path(sys.argv[1]); sys.exit(gate.main(sys.argv[2:]))"
    )
    argv = [sys.executable, "-c", code, str(checkout), "planted==5.0", "--out", str(out), "--keep"]
    with subprocess.Popen(argv, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "behaviour" in line:
                break
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()
    assert 130 == process.returncode
    assert "gate: invalid: nothing was judged" == rest.splitlines()[-1]
    record = schema.read(out, GateRecord)
    assert (Verdict.INVALID, True) == (record.verdict, "interrupted" in record.reasons[0].text)
    assert [] == processes_in(checkout)
    assert [] == list((checkout / ".gate").glob("building-*"))


def processes_in(folder: Path) -> list[str]:
    found = []
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            where, words = os.readlink(f"/proc/{entry}/cwd"), Path(f"/proc/{entry}/cmdline")
            if where == str(folder):
                found.append(re.sub("\0", " ", words.read_text()))
        except OSError:
            continue
    return found


def test_what_can_be_asked_is_listed_and_what_is_kept_is_removed(
    checkout: Path, builder: Builder, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither judges anything, and neither touches the last gate's record."""
    assert 0 == gate.main(["--list"])
    printed = capsys.readouterr().out.splitlines()
    assert {"planted==1.0", "unused==1.0"} < set(printed[:-1])
    assert printed[-1].startswith("gate: pass: ")
    folder = builder.build(builder.lock_requirements()).folder
    assert 0 == gate.main(["--clean"])
    assert not folder.exists()
    assert "environments removed" in capsys.readouterr().out


def test_raw_records_are_kept_on_demand(checkout: Path) -> None:
    """`--keep` leaves the laws' records and every pair's file beside the verdict."""
    ask(checkout, "planted==3.0", "--keep")
    kept = checkout / "reports" / "out" / "gate"
    parts = {"behaviour", "laws-baseline", "laws-candidate"}
    files = {"alive", "baseline.txt", "candidate.txt", "question.json"}
    assert parts | files == set(os.listdir(kept))
    assert (kept / "laws-baseline" / "laws.json").exists()
