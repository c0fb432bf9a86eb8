"""A campaign keeps every run at once, goes on after a stop, and counts by exact bounds."""

import io
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from reports import campaign, rivals, session, shares
from reports.pairs import Epoch, Measured, Pairing, Side
from reports.progress import Progress
from reports.shares import Cell, Line


def line(outcome: str, low: float | None = 1.0, answer: str = "unknown", **changes: object) -> Line:
    known: Line = {"only": "", "slowdown_percent": 0.0, "budget_s": 60.0, "hog": False}
    known |= {
        "answer": answer,
        "elapsed_s": 20.0,
        "epochs": 12,
        "sources": "a",
        "machine": "a machine",
    }
    row = {"outcome": outcome, "ratio": [1.0, low, 1.1], "others": ["Mann-Whitney 5%"]}
    return {**known, "benchmarks": {"manager": row, "control": {"outcome": "quiet"}}, **changes}


PLAIN = Cell(only="", slowdown_percent=0.0, budget_s=60.0, has_hog=False)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (["--slowdown", "-3"], "usage: --slowdown is -3 %"),
        (["--slowdown", "101"], "usage: --slowdown is 101 %"),
        (["--cpu", "4000"], "usage: --cpu is 4000; there are "),
        (["--write-docs"], "usage: --write-docs goes with --table"),
        (["--table", "--data", "nofile"], "usage: nofile: nothing was measured yet"),
    ],
)
def test_what_cannot_be_measured_or_shown_is_usage(
    asked: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A table of nothing is no pass."""
    assert 2 == campaign.main([*asked, "--out", str(tmp_path / "record.json")])
    assert said in capsys.readouterr().out


def test_what_was_kept_is_read_again_and_a_torn_line_is_cut_off(tmp_path: Path) -> None:
    """A kill in the middle of a write loses that line only, and the next one is whole."""
    data = tmp_path / "campaign.jsonl"
    campaign.keep(data, line("regressed"))
    with data.open("a") as stream:
        stream.write('{"only":"man')
    assert [line("regressed")] == campaign.read(data)
    campaign.keep(data, line("faster"))
    assert [line("regressed"), line("faster")] == campaign.read(data)
    assert 2 == len(data.read_text().splitlines())


def test_a_line_that_is_none_is_refused(tmp_path: Path) -> None:
    """Runs that stand behind it would be missing from the counts, and nobody would know."""
    data = tmp_path / "campaign.jsonl"
    data.write_text('{"benchmark": "manager"}\n')
    campaign.keep(data, line("faster"))
    with pytest.raises(session.UsageError, match="line 1: no line of a campaign"):
        campaign.read(data)


def test_a_campaign_goes_on_with_other_sources_and_says_so() -> None:
    """What another commit measured is not measured again; the last line tells the two apart."""
    lines = [line("faster"), line("faster", sources="b", elapsed_s=40)]
    assert 2 == campaign.done(lines, PLAIN)
    for other in (
        replace(PLAIN, slowdown_percent=3.0),
        replace(PLAIN, has_hog=True),
        replace(PLAIN, only="manager"),
        replace(PLAIN, budget_s=15.0),
    ):
        assert 0 == campaign.done(lines, other)
    assert "2 runs of 2 states of the sources, 30 s each" == shares.summary(lines)


def test_each_rule_is_counted_by_cell_and_benchmark() -> None:
    """Slower is more than regressed, and a run that is not believed says nothing."""
    lines = [
        line("regressed", 1.02, "fail"),
        line("slower", 1.004, "pass"),
        line("within tolerance", 0.99, "pass"),
        line("regressed", 1.1, "invalid"),
        line("regressed", 1.02, "fail", slowdown_percent=3.0),
        line("regressed", 1.02, "fail", hog=True),
    ]
    found = shares.counted(lines)
    assert (1, 4) == found[PLAIN, "manager"][shares.OURS]
    assert (2, 4) == found[PLAIN, "manager"][shares.SLOWER]
    assert (4, 4) == found[PLAIN, "manager"]["Mann-Whitney 5%"]
    assert (0, 4) == found[PLAIN, "manager"]["pyperf compare_to"]
    assert (1, 1) == found[replace(PLAIN, slowdown_percent=3.0), "manager"][shares.OURS]
    assert (1, 1) == found[replace(PLAIN, has_hog=True), "manager"][shares.OURS]
    answers = {"pass": (2, 4), "fail": (1, 4), "unknown": (0, 4), "invalid": (1, 4)}
    assert {f"answers {name}": each for name, each in answers.items()} == found[PLAIN, shares.RUN]
    assert (PLAIN, "control") not in found


def test_what_was_not_measured_counts_against_us() -> None:
    """A run that had no time for an epoch has not found a slowdown, nor spared identical code."""
    nothing: Line = {"epochs": 0, "benchmarks": {"manager": {"outcome": "unknown"}}}
    for slowdown, ours, count in ((3.0, (1, 2), 2), (0.0, (1, 1), 1)):
        cell = replace(PLAIN, slowdown_percent=slowdown)
        lines = [
            line("regressed", 1.02, slowdown_percent=slowdown),
            line("", slowdown_percent=slowdown, **nothing),
        ]
        counts = shares.counted(lines)[cell, "manager"]
        assert (ours, (1, 1)) == (counts[shares.OURS], counts["Mann-Whitney 5%"])
        assert count == campaign.done(lines, cell)


def test_the_table_is_shown_recorded_and_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With --table nothing is measured; what stands above the mark of the page stays."""
    page, data, out = tmp_path / "page.md", tmp_path / "data.jsonl", tmp_path / "campaign.json"
    monkeypatch.setattr(shares, "PAGE", page)
    page.write_text(f"# Head\n\n{shares.MARK}\n\nof yesterday\n")
    for each in (line("regressed", 1.1), line("unknown", None)):
        campaign.keep(data, each)
    asked = ["--table", "--write-docs", "--data", str(data), "--out", str(out)]
    assert 0 == campaign.main(asked)
    printed = capsys.readouterr().out
    assert "1 of 2" in printed and "50.0%" in printed
    figures = json.loads(out.read_text())["figures"]
    assert "1 of 2" == figures["manager of --slowdown 0 --budget 60: this gate: regressed"]
    written = page.read_text()
    assert written.startswith(
        f"# Head\n\n{shares.MARK}\n\n2 runs, 20 s each, on a machine.\n\n| of |"
    )
    assert "of yesterday" not in written
    assert (
        "| manager | 0 % | 60 s |  | this gate: regressed | 1 of 2 | 50.0% | 1.3% … 98.7% |"
        in written
    )


def test_the_page_has_a_place_for_the_table() -> None:
    """What `--write-docs` needs."""
    assert 1 == shares.PAGE.read_text(encoding="utf-8").count(shares.MARK)


def test_a_hog_takes_a_cpu_for_as_long_as_it_is_asked_and_is_gone() -> None:
    """It is a real process, in a group of its own."""
    with campaign.hog() as process:
        assert process.poll() is None
    with pytest.raises(ProcessLookupError):
        os.kill(process.pid, 0)


def replayed(
    changes: Mapping[str, float], asked: list[Sequence[str] | None]
) -> Callable[..., Epoch]:
    """In place of `Pairing.epoch`: what the candidate takes of the baseline's time."""

    def epoch(_: object, only: Sequence[str] | None = None) -> Epoch:
        asked.append(only)
        names = ["control", *campaign.BENCHMARKS] if only is None else only

        def measured(factor: Mapping[str, float]) -> Measured:
            rounds = {name: [1e-3 * factor.get(name, 1.0)] * 4 for name in names}
            return Measured(
                rounds_s=rounds,
                cpu_rounds_s=rounds,
                controls=frozenset({"control"}),
                environment=None,
                failure=None,
            )

        sides = {Side.BASELINE: measured({}), Side.CANDIDATE: measured(changes)}
        return Epoch(sides=sides, twin=measured({}), cpu=0, elapsed_s=0.0)

    return epoch


@pytest.mark.parametrize(
    ("only", "changes", "answer", "outcomes"),
    [
        ("", {}, "pass", ["within tolerance"] * 3 + ["quiet"]),
        ("", {"manager": 1.2}, "fail", [*["within tolerance"] * 2, "regressed", "quiet"]),
        ("manager", {}, "pass", ["within tolerance", "quiet"]),
        ("", {"control": 1.2}, "invalid", [*["within tolerance"] * 3, "not quiet"]),
    ],
)
def test_one_run_says_what_a_gate_would_say(
    only: str,
    changes: dict[str, float],
    answer: str,
    outcomes: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """All benchmarks and the control in one run, in a line that is short."""
    asked: list[Sequence[str] | None] = []
    monkeypatch.setattr(Pairing, "epoch", replayed(changes, asked))
    cell = replace(PLAIN, only=only)
    progress = Progress(Console(file=io.StringIO()))
    made = campaign.compare_once(Path("python"), cell, cpu=None, seed=1, progress=progress)
    assert (answer, outcomes) == (
        made["answer"],
        [r["outcome"] for r in made["benchmarks"].values()],
    )
    assert (None if only == "" else ["manager", "control"]) == asked[0]
    assert f"nox -s campaign -- {cell.options}" == made["command"]
    assert len(json.dumps(made)) < 400 * (len(outcomes) + 1)


def test_the_rules_of_others_do_what_they_say() -> None:
    """Ten percent on every round is slower for all; nothing is for none."""
    before = [1.0 + each / 1000 for each in range(40)]
    slower = [1.1 * each for each in before]
    assert dict.fromkeys(rivals.RULES, True) == {
        n: r(before, slower) for n, r in rivals.RULES.items()
    }
    assert dict.fromkeys(rivals.RULES, False) == {
        n: r(before, list(before)) for n, r in rivals.RULES.items()
    }


def test_the_rank_rule_has_a_direction() -> None:
    """Samples with ties, one shifted against the other."""
    before, after = [1.0, 2.0, 2.0, 3.0, 5.0] * 4, [2.0, 3.0, 4.0, 4.0, 6.0] * 4
    assert rivals.ranks_say_slower(before, after)
    assert not rivals.ranks_say_slower(after, before)


@pytest.mark.parametrize(("freedom", "quantile"), [(10, 2.228139), (60, 2.000298)])
def test_the_t_quantile_is_that_of_the_tables(freedom: int, quantile: float) -> None:
    """The two-sided 95 % values for 10 and 60 degrees of freedom stand in any table."""
    assert pytest.approx(quantile, abs=2e-3) == rivals._t_quantile(freedom)
