"""A means that is absent, a number that has changed, a slip of the judge: none of them is green."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from properties.faults import pinned
from properties.faults.__main__ import main
from properties.faults.enumeration import Enumeration, enumerate_faults
from properties.faults.limits import ReadOnlyStrike
from properties.faults.means import MEANS, standing_in
from properties.faults.pinned import Pin, Pins
from properties.faults.plan import Fault, Phase
from properties.faults.report import Findings
from properties.faults.scene import Point
from properties.history import __main__ as history
from properties.profiles import PROFILES
from properties.recording import RECORDER, HarnessError
from properties.session import CannotJudgeError, UsageError
from properties.specs import test_no_single_fault_breaks_a_promise as law
from properties.subjects import CORE_SUBJECTS
from properties.subjects.named import is_foreign
from reports.schema import Verdict


@pytest.fixture(autouse=True)
def _own_subjects_alone() -> Iterator[None]:
    """Somebody else's subject is known for one test only."""
    yield
    for name in filter(is_foreign, list(CORE_SUBJECTS)):
        del CORE_SUBJECTS[name]


FOREIGN = "properties.tests.faults.plain:Plain"
BROKEN = "properties.tests.foreign:ForeignBroken"
SOUND = "properties.tests.foreign:ForeignSubject"
BOTH = ["full-0", "disk-full"]


def found(name: str = "full-0", *, operations: int = 3, fired: int = 3) -> Enumeration:
    """Return a clean enumeration."""
    return Enumeration(
        means=name,
        subject="s",
        phase=Phase.ATTEMPT,
        operation_count=operations,
        counts={"once": fired},
    )


def pins(operations: int, durable: int | None = 0) -> Pins:
    """Return a pin of ``full-0``."""
    key = pinned.releases(MEANS["full-0"])
    return {key: {"s": {"full-0, attempt": Pin(operations, durable=durable)}}}


def test_where_one_means_is_absent_another_takes_over() -> None:
    """FULL was brought by one of its two means, and the last line says which one is absent."""
    findings = Findings({}, {"disk-full": "no VFS here"}, [found()])
    assert Verdict.PASS is findings.verdict(BOTH)
    assert "means absent: disk-full" in findings.summary(BOTH)


def test_a_fault_that_no_means_brought_is_unknown() -> None:
    """Whether it never came to be struck or was absent, both are named."""
    findings = Findings({}, {"disk-full": "no VFS here"}, [found(operations=0, fired=0)])
    assert Verdict.UNKNOWN is findings.verdict(BOTH)
    expected = "FULL (full-0: nothing to strike; disk-full: no VFS here)"
    assert [expected] == findings.not_brought(BOTH)
    assert "not brought: FULL" in findings.summary(BOTH)


@pytest.mark.parametrize(
    ("pin", "verdict", "told"),
    [
        (pins(3), Verdict.PASS, None),
        (pins(3, None), Verdict.PASS, None),
        (pins(4), Verdict.FAIL, "3 operations, pinned are 4"),
        (pins(3, 1), Verdict.FAIL, "0 durable yet raised, pinned are 1"),
    ],
)
def test_a_number_that_has_changed_is_a_failure(
    pin: Pins, verdict: Verdict, told: str | None
) -> None:
    """It names both numbers."""
    findings = Findings(pin, {}, [found()])
    assert verdict is findings.verdict(["full-0"])
    expected = [] if told is None else [f"full-0, attempt, s: {told}"]
    assert expected == findings.differences


def test_what_is_not_pinned_is_said() -> None:
    """The verdict stands, and the last line is not silent."""
    findings = Findings({}, {}, [found()])
    assert findings.summary(["full-0"]).endswith("not pinned: 1")


def test_pairs_are_pinned_too(tmp_path: Path) -> None:
    """All of them, when all of them were struck."""
    known: Pins = {}
    twice = dataclasses.replace(found("cancel-twice"), pair_count=9)
    pinned.pin(known, MEANS["cancel-twice"], twice)
    pinned.write(known, tmp_path / "pinned.toml")
    assert [] == Findings(pinned.pins(tmp_path / "pinned.toml"), {}, [twice]).differences
    fewer = dataclasses.replace(twice, pair_count=8)
    differences = Findings(known, {}, [fewer]).differences
    assert ["cancel-twice, attempt, s: 8 pairs, pinned are 9"] == differences
    assert [] == Findings(known, {}, [dataclasses.replace(fewer, is_complete=False)]).differences


def test_pins_survive_the_file(tmp_path: Path) -> None:
    """What is written is what is read, and a sample keeps what was known of the durable."""
    known = pins(7, 2)
    sample = found(operations=8)
    sample.is_complete = False
    pinned.pin(known, MEANS["full-0"], sample)
    pinned.write(known, tmp_path / "pinned.toml")
    assert pins(8, 2) == pinned.pins(tmp_path / "pinned.toml")


def test_a_broken_law_comes_with_its_command() -> None:
    """And counts before anything unknown."""
    enumeration = found()
    fault = Fault(means="full-0", nth=2)
    enumeration.broken.append(Point(fault=fault, seen=2, fired=1, broken={"a_law": "so and so"}))
    enumeration.unknown.append("a slip")
    findings = Findings(pins(3), {}, [enumeration])
    assert Verdict.FAIL is findings.verdict(["full-0"])
    told = "\n".join(findings.told("nox -s faults -- --subject", ["full-0"]))
    assert "a_law: broken by 1 faults" in told
    again = "Again: nox -s faults -- --subject s --means full-0 --phase attempt --nth 2"
    assert again in told


def test_a_fault_that_an_own_subject_did_not_meet_is_unknown() -> None:
    """What strikes one subject proves nothing of the next."""
    other = dataclasses.replace(found(operations=0, fired=0), subject="t")
    findings = Findings({}, {}, [found(), other])
    assert ["FULL (full-0: nothing to strike) to t"] == findings.not_brought(["full-0"])
    assert Verdict.UNKNOWN is findings.verdict(["full-0"])


@pytest.mark.parametrize(
    ("fired", "absent", "verdict", "told"),
    [
        (3, {}, Verdict.PASS, "1 not asked: wall clock"),
        (0, {}, Verdict.UNKNOWN, "not brought: FULL, anything"),
        (3, {"clock-steps-back": "no clock here"}, Verdict.UNKNOWN, "not brought: wall clock"),
    ],
)
def test_what_a_foreign_subject_does_not_offer_is_no_doubt(
    fired: int, absent: dict[str, str], verdict: Verdict, told: str
) -> None:
    """It is named. But a subject that nothing struck was not judged, nor one that the host kept."""
    enumeration = dataclasses.replace(found(fired=fired), subject=FOREIGN)
    if not fired:
        absent = {"full-0": "so that something is absent"}
    reasons = {FOREIGN: {"clock-steps-back": "does not offer a clock of ours"}}
    findings = Findings({}, absent, [enumeration], reasons)
    chosen = ["full-0", "clock-steps-back"]
    assert verdict is findings.verdict(chosen)
    assert told in findings.summary(chosen)
    assert [] == findings.unpinned


def test_a_foreign_subject_is_struck_from_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In this process and in one of its own; what it does not offer is named with the reason."""
    record = ["--record", str(tmp_path / "faults.json"), "--subject", FOREIGN]
    means = ["overtaken", "disk-sync", "clock-jumps-ahead", "descriptors"]
    chosen = [word for name in means for word in ("--means", name)]
    assert Verdict.PASS.exit_code == main([*record, *chosen, "--phase", "attempt"])
    printed = capsys.readouterr().out
    assert f"not asked: wall clock: {FOREIGN}: does not offer a clock of ours" in printed
    last = printed.splitlines()[-1]
    assert "faults: pass: 3 means" in last
    assert "2 not asked: CANTOPEN, wall clock" in last


def test_a_foreign_bug_is_caught_with_its_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its revision is forgotten, with a fault and without; what it keeps is not called broken."""
    record = ["--record", str(tmp_path / "faults.json")]
    chosen = ["--means", "overtaken-by-a-process", "--phase", "attempt"]
    assert Verdict.FAIL.exit_code == main([*record, *chosen, "--subject", BROKEN])
    printed = capsys.readouterr().out
    assert f"Again: nox -s faults -- --subject {BROKEN} --means overtaken-by-a-process" in printed
    assert "only_legal_edges_are_taken: broken without a fault" in printed
    assert "not asked: the_event_log_tells_the_truth" in printed
    kept = re.findall(r"The history: nox -s history -- (\S+)", printed)
    assert kept
    assert Verdict.INVALID.exit_code != history.main([*kept, *record])
    assert "the_event_log_tells_the_truth: broken" not in printed


def test_a_neighbour_moves_rows_in_tables_that_are_not_ours(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By the subject's own layout, from this process and from another."""
    record = ["--record", str(tmp_path / "faults.json"), "--phase", "attempt"]
    subject = ["--subject", SOUND]
    means = ["--means", "overtaken", "--means", "overtaken-by-a-process"]
    assert Verdict.PASS.exit_code == main([*record, *subject, *means])
    assert " stale" in capsys.readouterr().out


def test_a_foreign_subject_that_is_not_there_is_usage() -> None:
    """Nothing is struck for a slip of its name."""
    for name in ("no.such:thing", "properties.tests.foreign:nosuch"):
        with pytest.raises(UsageError, match="is no subject"):
            main(["--subject", name])


@pytest.mark.parametrize(
    ("left_out", "verdict", "told"),
    [
        (["memory"], Verdict.PASS, "means absent: memory"),
        (["memory", "heap-limit"], Verdict.INVALID, "not brought: NOMEM; means absent"),
    ],
)
def test_memory_is_refused_by_one_means_or_the_other(
    left_out: list[str],
    verdict: Verdict,
    told: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """As where SQLite's symbols are hidden: its heap is filled instead; without both it is told."""
    arguments = ["--record", str(tmp_path / "faults.json"), "--phase", "ask"]
    for name in ("memory", "heap-limit"):
        arguments += ["--means", name]
    for name in left_out:
        arguments += ["--without", name]
    assert verdict.exit_code == main(arguments)
    assert told in capsys.readouterr().out.splitlines()[-1]


def test_in_the_law_too_another_means_takes_over(
    monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """Without page limits the disk is full; without a disk to patch nothing is, and none held."""
    chosen = {"full-0": MEANS["full-0"], "disk-full": MEANS["disk-full"]}
    monkeypatch.setattr(law, "ASKED", ("full-0",))
    monkeypatch.setattr(law, "MEANS", chosen)
    monkeypatch.setattr(law, "standing_in", lambda name: [each for each in chosen if each != name])
    monkeypatch.setattr(RECORDER, "figures", {})
    ask = functools.partial(
        law.test_the_store_works_again_and_tells_the_truth,
        CORE_SUBJECTS["handrolled"],
        "handrolled",
        PROFILES["gate"],
        request,
    )
    for name in chosen:
        chosen[name] = dataclasses.replace(chosen[name], why_not=lambda: "not here")
        if name == "full-0":
            ask()
            assert ["faults, absent on this host: full-0"] == list(RECORDER.figures)
        else:
            with pytest.raises(HarnessError, match="no means brought"):
                ask()


def test_each_fault_that_can_has_a_second_means() -> None:
    """What stands alone is listed: of these, the VFS and asyncio have the only means."""
    alone = {each.fault for name, each in MEANS.items() if not standing_in(name)}
    assert {
        "AUTH",
        "BUSY_RECOVERY",
        "INTERRUPT",
        "IOERR_ACCESS",
        "IOERR_DELETE",
        "IOERR_FSTAT",
        "IOERR_FSYNC",
        "IOERR_LOCK",
        "IOERR_READ",
        "IOERR_SHMLOCK",
        "IOERR_SHMMAP",
        "IOERR_SHORT_READ",
        "IOERR_TRUNCATE",
    } == alone - {"CORRUPT", "NOTADB"}


@pytest.mark.parametrize("uri", [True, False])
def test_a_connection_is_opened_read_only(uri: bool, tmp_path: Path) -> None:
    """Whatever its owner asked for, and whatever stands in its path."""
    path = tmp_path / "a b?#'.db"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE t (x)")
    db.close()
    strike = ReadOnlyStrike(Fault(means="mode-ro", nth=1))
    strike.arm()
    database: object = f"{path.as_uri()}?mode=rwc&cache=private" if uri else path
    options: dict[str, Any] = {"uri": uri}
    with contextlib.closing(sqlite3.connect(strike.opening(database, options), **options)) as db:
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            db.execute("INSERT INTO t VALUES (1)")


def test_one_point_is_replayed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By its means and number; one that is never reached is unknown."""
    record = ["--record", str(tmp_path / "faults.json")]
    fired = [*record, "--means", "query-only", "--phase", "attempt", "--nth", "1"]
    assert Verdict.PASS.exit_code == main(fired)
    assert "struck: READONLY" in capsys.readouterr().out
    assert Verdict.UNKNOWN.exit_code == main([*fired[:-1], "99"])
    assert "not fired, 1 operations were seen" in capsys.readouterr().out


def test_memory_is_refused_in_a_process_of_its_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """NOMEM reaches the caller, and the store works again."""
    record = ["--record", str(tmp_path / "faults.json")]
    try:
        code = main([*record, "--means", "memory", "--phase", "attempt", "--nth", "40"])
    except CannotJudgeError as error:
        pytest.skip(str(error))  # a Python with SQLite built in shows nobody its allocator
    printed = capsys.readouterr().out
    assert Verdict.PASS.exit_code == code, printed
    assert "struck: NOMEM" in printed


def test_a_pair_is_found_wherever_the_first_one_is_drawn() -> None:
    """Behind some operations a call that is struck has no other: then the next ones are tried."""
    for seed in range(6):
        drawn = enumerate_faults(
            CORE_SUBJECTS["statemachine"],
            "statemachine",
            MEANS["cancel-twice"],
            Phase.ATTEMPT,
            {},
            point_limit=1,
            seed=seed,
        )
        assert drawn.pair_count > 0, f"seed {seed}: {drawn.operation_count} operations, no pair"
