"""Each thing that two releases do otherwise is traced to the release that changed it."""

import math
import signal
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from packaging.version import Version

from reports import bisect, probing, processes, releases, schema, terminal
from reports.environments import Builder, Sources
from reports.halving import boundary
from reports.progress import Progress
from reports.schema import (
    BenchmarkComparison,
    BenchmarkOutcome,
    BisectRecord,
    Turned,
    TurnedKind,
    Verdict,
)
from reports.session import UsageError
from reports.tests import stand_in


def ask(checkout: Path, *arguments: str) -> tuple[int, BisectRecord]:
    """The exit code and the record of one question about `planted`."""
    out = checkout / "reports" / "out" / "bisect.json"
    code = bisect.main(["planted", *arguments, "--out", str(out)])
    return code, schema.read(out, BisectRecord)


def places(record: BisectRecord) -> dict[str, tuple[str, str]]:
    """What turned between which two releases."""
    return {each.name: (each.last_same, each.first_changed) for each in record.turned}


@pytest.mark.parametrize("count", range(2, 40))
def test_halving_finds_every_boundary_in_log_steps(count: int) -> None:
    """Wherever it lies, in at most ceil(log2(count - 1)) questions."""
    for turn in range(1, count):
        found = boundary(count, turn.__le__)
        assert (turn - 1, turn, range(turn, turn)) == (found.same, found.changed, found.unknown)
        assert found.asked_count <= math.ceil(math.log2(count - 1))


def test_halving_passes_by_what_cannot_be_known() -> None:
    """Whatever is unknown, the boundary is a true one, and what lies inside it is unknown."""
    count, turn = 7, 4
    for mask in range(2 ** (count - 2)):
        unknown = {place for place in range(1, count - 1) if mask >> (place - 1) & 1}
        known = {place: place >= turn for place in range(count) if place not in unknown}
        found = boundary(count, known.get)
        assert found.same < turn <= found.changed
        assert not {found.same, found.changed} & unknown
        assert set(found.unknown) <= unknown


def test_releases_come_from_the_index_in_their_order(builder: Builder) -> None:
    """By version, not by text; both ends included."""
    line = releases.between(builder, "planted", Version("1.0"), Version("10.0"), prereleases=False)
    assert [str(each) for each in line] == ["1.0", "1.1", *(f"{n}.0" for n in range(2, 11))]


def test_pre_releases_are_asked_on_request(builder: Builder, tmp_path: Path) -> None:
    """Where both ends are releases, what lies between them is too, unless it is asked for."""
    for version in ("1.0", "1.1rc1", "1.1"):
        stand_in.pack(tmp_path, "planted", version, {"planted/__init__.py": ""})
    looking = replace(builder, sources=Sources(wheelhouse=tmp_path))
    for prereleases, expected in ((False, "1.0 1.1"), (True, "1.0 1.1rc1 1.1")):
        ends = (Version("1.0"), Version("1.1"))
        line = releases.between(looking, "planted", *ends, prereleases=prereleases)
        assert expected == " ".join(map(str, line))


@pytest.mark.parametrize(
    ("first", "last", "says"),
    [
        ("2.0", "1.0", "does not come before"),
        ("1.0", "1.0", "does not come before"),
        ("1.0", "2.5", "no release planted 2.5 can be installed here. Between them are: 1.0, 1.1"),
        ("one", "2.0", "'one' is no version"),
    ],
)
def test_an_end_that_is_none_is_a_usage_error(
    checkout: Path, capsys: pytest.CaptureFixture[str], first: str, last: str, says: str
) -> None:
    """With what there is instead."""
    assert Verdict.USAGE.exit_code == bisect.main(["planted", first, last])
    told = capsys.readouterr()
    assert says in told.err
    assert told.out.endswith("bisect: usage: nothing was asked\n")


def test_a_law_is_traced_to_the_release_that_broke_it(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And a law that fails at both ends has turned nowhere."""
    code, record = ask(checkout, "1.0", "3.0", "--law")
    assert (0, Verdict.PASS) == (code, record.verdict), record.summary
    assert {"work_is_done [planted]": ("2.0", "3.0")} == places(record)
    assert "3.0" in capsys.readouterr().out


def test_a_behaviour_is_traced_to_the_release_that_changed_it(checkout: Path) -> None:
    """Neighbours at once, without a step."""
    _, record = ask(checkout, "9.0", "10.0", "--behaviour")
    (turned,) = record.turned
    assert ("9.0", "10.0", 0) == (turned.last_same, turned.first_changed, turned.asked_count)
    assert "nearly done" in turned.what


def test_releases_that_cannot_be_asked_leave_it_unknown(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """4.0 breaks when it is imported, 5.0 never ends: it may have been any of three."""
    monkeypatch.setattr(probing, "LIMIT_S", 2.0)
    code, record = ask(checkout, "3.0", "6.0", "--law", "work_is_done")
    assert (3, Verdict.UNKNOWN) == (code, record.verdict)
    (turned,) = record.turned
    assert (["4.0", "5.0"], "6.0") == (turned.unknown, turned.first_changed)


def test_an_end_that_cannot_be_asked_leaves_everything_unknown(checkout: Path) -> None:
    """With its reason; what is kept is removed all the same."""
    code, record = ask(checkout, "3.0", "4.0", "--law")
    assert (3, []) == (code, record.turned)
    assert "the ends could not be compared" in record.summary
    assert "broken" in record.summary


def test_a_law_that_one_end_does_not_report_is_no_sameness(checkout: Path) -> None:
    """8.0 hides it: nothing turned that was seen, and that is no pass."""
    code, record = ask(checkout, "1.0", "8.0", "--law")
    assert (3, Verdict.UNKNOWN) == (code, record.verdict)
    assert "work_is_done [planted] is unknown at 8.0" in record.summary


class Clocks:
    """Tells one ratio of any two releases, and what the clocks conclude."""

    def __init__(self, outcome: BenchmarkOutcome) -> None:
        self.outcome = outcome

    def clocks(self, *_: object) -> dict[str, BenchmarkComparison]:
        """What a comparison of two releases gives."""
        row = BenchmarkComparison(
            name="work",
            is_control=False,
            baseline_us=1.0,
            candidate_us=1.4,
            ratio=1.4,
            ratio_low=0.9,
            ratio_high=2.0,
            confidence=0.95,
            epoch_count=12,
            outcome=self.outcome,
            epoch_ratios=[],
        )
        return {"work": row}


@pytest.mark.parametrize(
    ("outcome", "is_told"),
    [
        (BenchmarkOutcome.UNKNOWN, True),
        (BenchmarkOutcome.SLOWER, True),
        (BenchmarkOutcome.WITHIN_TOLERANCE, False),
    ],
)
def test_a_benchmark_that_the_clocks_leave_open_is_no_sameness(
    outcome: BenchmarkOutcome, is_told: bool
) -> None:
    """A busy machine hides a change between the ends: nothing is looked for, and it says so."""
    line = [Version("1.0"), Version("2.0")]
    prober: Any = Clocks(outcome)
    bisection = bisect.Bisection(prober, line, Progress(terminal.console()))
    assert [] == bisection.benchmarks(["work"])
    assert is_told is bool(bisection.problems)


def test_a_slower_release_is_timed_against_its_neighbours(checkout: Path) -> None:
    """2.0 does its work twice. On a restless machine the answer is unknown, never wrong."""
    code, record = ask(checkout, "1.0", "2.0", "--benchmark", "work")
    assert code == record.verdict.exit_code
    if record.verdict is Verdict.PASS:
        (turned,) = record.turned
        assert ("1.1", "2.0") == (turned.last_same, turned.first_changed)
        assert "2.0 over 1.1: " in (turned.confirmation or "")
    else:
        assert Verdict.UNKNOWN is record.verdict


@pytest.mark.parametrize(
    "words", [["--law", "nobody_wrote_it"], ["--behaviour", "nobody/saw it"]], ids=lambda w: w[0]
)
def test_a_name_that_nobody_knows_is_a_usage_error(
    checkout: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    """With its name."""
    assert Verdict.USAGE.exit_code == bisect.main(["planted", "1.0", "3.0", *words])
    assert words[1] in capsys.readouterr().err


def test_an_interrupted_bisection_goes_on_where_it_was(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was answered before is not asked again; once it is told, nothing is kept."""
    asked: list[Sequence[str]] = []

    def counted(argv: Sequence[str], **options: Any) -> processes.Ended:
        asked.append(argv)
        if len(asked) == 3:
            signal.raise_signal(signal.SIGTERM)
        return processes.run(argv, **options)

    monkeypatch.setattr(probing, "run", counted)
    question = ["planted", "1.0", "3.0", "--law", "--out", str(checkout / "out.json")]
    assert bisect.INTERRUPTED == bisect.main(question)
    assert 3 == len(asked)
    assert 0 == bisect.main(question)
    # Of the two ends and the one between nothing is asked twice but what was cut off.
    assert 4 == len(asked)
    assert not (checkout / ".gate" / "bisect").exists()


def test_a_change_without_a_single_release_is_not_a_pass() -> None:
    """Nor is one that its neighbours do not confirm."""
    sure = Turned(
        kind=TurnedKind.BENCHMARK,
        name="work",
        what="twice as long",
        last_same="1.0",
        first_changed="3.0",
        asked_count=1,
    )
    line = [Version("1.0"), Version("2.0"), Version("3.0")]
    for doubtful in ({"unknown": ["2.0"]}, {"is_confirmed": False}):
        fields = {name: getattr(sure, name) for name in sure.__struct_fields__}
        vague = Turned(**(fields | doubtful))
        record = bisect.conclude("planted", line, 1, [sure, vague], [])
        assert Verdict.UNKNOWN is record.verdict
    assert Verdict.PASS is bisect.conclude("planted", line, 1, [sure], []).verdict
    assert Verdict.UNKNOWN is bisect.conclude("planted", line, 1, [sure], ["law: no"]).verdict


def test_a_version_reads_like_a_version() -> None:
    """Or says how to write one."""
    assert Version("1.0") < releases.version("1.0.post1")
    with pytest.raises(UsageError, match=r"0\.22\.1"):
        releases.version("latest")
