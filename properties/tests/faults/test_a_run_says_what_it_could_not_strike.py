"""A means that is absent, a number that has changed, a slip of the judge: none of them is green."""

from __future__ import annotations

from pathlib import Path

import pytest

from properties.faults import pinned
from properties.faults.__main__ import main
from properties.faults.enumeration import Enumeration
from properties.faults.means import MEANS
from properties.faults.pinned import Pin, Pins
from properties.faults.plan import Fault, Phase
from properties.faults.report import Findings
from properties.faults.scene import Point
from properties.session import CannotJudgeError
from reports.schema import Verdict

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
    return {key: {"s": {"full-0, attempt": Pin(operations, durable)}}}


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
