"""A campaign keeps every comparison at once, goes on after a stop, and counts by exact bounds."""

import json
from pathlib import Path

import pytest

from reports import campaign, rivals, session


def line(outcome: str, low: float | None = 1.0, **changes: object) -> campaign.Line:
    known = {"benchmark": "manager", "slowdown_percent": 0.0, "budget_s": 60.0, "ratio_low": low}
    return {**known, "outcome": outcome, "rivals": {"other": True}, **changes}


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (["--slowdown", "-3"], "usage: --slowdown is -3 %"),
        (["--table", "--data", "nofile"], "usage: nofile: no such file; nothing was measured"),
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
    campaign.keep(data, [], line("regressed"))
    with data.open("a") as stream:
        stream.write('{"benchmark": "man')
    lines = campaign.read(data)
    assert [line("regressed")] == lines
    campaign.keep(data, lines, line("faster"))
    assert [line("regressed"), line("faster")] == campaign.read(data)
    assert 2 == len(data.read_text().splitlines())


def test_a_campaign_goes_on_with_other_sources_and_says_so(tmp_path: Path) -> None:
    """What another commit measured is not measured again; the last line tells the two apart."""
    lines = [line("faster", sources="a", elapsed_s=20.0), line("faster", sources="b", elapsed_s=40)]
    assert 2 == campaign.done(lines, "manager", 0.0, 60.0)
    assert 0 == campaign.done(lines, "manager", 3.0, 60.0)
    assert 0 == campaign.done(lines, "bare_machine", 0.0, 60.0)
    words = campaign._summary(lines, tmp_path / "data.jsonl")
    assert words.startswith("2 comparisons of 2 states of the sources in ")
    assert words.endswith(", 30 s each")


def test_each_rule_is_counted_by_benchmark_slowdown_and_budget() -> None:
    """Slower is more than regressed, and an invalid comparison says nothing."""
    lines = [
        line("regressed", 1.02),
        line("slower", 1.004),
        line("within tolerance", 0.99),
        line("invalid", 1.1),
        line("regressed", 1.02, slowdown_percent=3.0),
    ]
    found = campaign.rates(lines)
    assert (1, 4) == found["manager", 0.0, 60.0][campaign.OURS]
    assert (2, 4) == found["manager", 0.0, 60.0][campaign.SLOWER]
    assert (4, 4) == found["manager", 0.0, 60.0]["other"]
    assert (1, 1) == found["manager", 3.0, 60.0][campaign.OURS]


def test_the_table_is_shown_and_recorded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With --table nothing is measured; the record holds our own shares."""
    monkeypatch.setattr(session, "OUT", tmp_path)
    data = tmp_path / "data.jsonl"
    for each in (line("regressed", 1.1), line("unknown", None)):
        campaign.keep(data, campaign.read(data), each)
    out = tmp_path / "campaign.json"
    assert 0 == campaign.main(["--table", "--data", str(data), "--out", str(out)])
    printed = capsys.readouterr().out
    assert "1 of 2" in printed and "50.0%" in printed
    assert "1 of 2" == json.loads(out.read_text())["figures"]["manager at 0 % in 60 s: this gate"]
    assert 2 == campaign.main(["--slowdown", "101", "--data", str(data), "--out", str(out)])


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
