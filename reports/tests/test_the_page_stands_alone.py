"""One HTML page from a finished run: nothing is loaded or run, and no name is taken for HTML."""

import json
import math
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from reports import schema
from reports.documents import charts
from reports.documents.charts import HEIGHT, LEFT, RIGHT, WIDTH, Series, over_counts, stacked
from reports.documents.ratios import Bounds, by_epoch, every_round, forest
from reports.page.__main__ import main
from reports.page.html import MOST_BYTES
from reports.schema import (
    BenchmarkComparison,
    BenchmarkOutcome,
    DiscoveryRecord,
    Figure,
    GateRecord,
    LawComparison,
    LawKind,
    LawOutcome,
    LawVerdict,
    MutantRecord,
    MutantsRecord,
    Reason,
    SessionRecord,
    Verdict,
)

HOSTILE = "</title><script>alert(1)</script>&\"'"
COUNTS = (1, 2, 4, 8, 16, 32)


def cell(name: str, **extra_info: object) -> dict[str, Any]:
    """One benchmark as it stands in a group's file."""
    return {
        "fullname": f"benchmarks/test_g.py::test_{name}",
        "stats": {"data": [1e-3, 2e-3, 3e-3]},
        "extra_info": extra_info,
    }


def tasks(way: str, count: int) -> dict[str, Any]:
    """One cell of a sweep."""
    return cell(
        f"tasks[{way}-{count}]",
        way=way,
        task_count=count,
        throughput_per_s=1000.0 + count,
        latency_p99_us=900 * count,
        retry_count=count - 1,
        attempt_count=10,
        jain_index=0.99,
    )


def run(
    folder: Path, groups: dict[str, list[dict[str, Any]]], figures: dict[str, Figure] | None = None
) -> Path:
    """Write a session's record and the files of its groups."""
    record = folder / "benchmarks.json"
    (folder / "benchmarks").mkdir()
    named: dict[str, Figure] = {}
    for group, cells in groups.items():
        content = {"benchmarks": cells, "machine_info": {}, "version": "5.1.0"}
        (folder / "benchmarks" / f"{group}.json").write_text(json.dumps(content))
        named[f"{group}.file"] = f"anywhere/{group}.json"
    schema.write(
        record,
        SessionRecord(
            name="benchmarks",
            verdict=Verdict.PASS,
            summary="measured",
            figures={**named, **(figures or {})},
        ),
    )
    return record


def page_of(record: Path) -> str:
    """Render it and return the page."""
    assert 0 == main([str(record), "--out", str(record.parent / "page.json")])
    return record.with_suffix(".html").read_text(encoding="utf-8")


class Tags(HTMLParser):
    """Collects what a browser would open, load or run."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []
        self.loads: list[str] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag and the attributes that load or run something."""
        self.names.append(tag)
        self.loads += [
            f"{tag} {name}"
            for name, _ in attrs
            if name in ("src", "href", "srcset", "data", "action") or name.startswith("on")
        ]

    def handle_data(self, data: str) -> None:
        """Note text."""
        self.words.append(data)


def test_nothing_is_loaded_and_nothing_runs(tmp_path: Path) -> None:
    """No script, no address, no font, no import: the page is all there is."""
    page = page_of(run(tmp_path, {"scaling": [tasks("direct", count) for count in COUNTS]}))
    tags = Tags()
    tags.feed(page)
    assert ([], 0, 0) == (tags.loads, tags.names.count("script"), tags.names.count("link"))
    assert [] == re.findall(r"url\(|@import|https?:", page)
    assert tags.names.count("svg") == 4


def test_a_name_from_a_record_is_text(tmp_path: Path) -> None:
    """In the title of a mark, in a table, in a legend and among the doubts."""
    record = run(
        tmp_path,
        {"scaling": [tasks(HOSTILE, count) for count in COUNTS], "other": [cell(HOSTILE)]},
        {"scaling.doubts": HOSTILE},
    )
    page = page_of(record)
    tags = Tags()
    tags.feed(page)
    assert "script" not in tags.names
    assert 3 <= sum(HOSTILE in words for words in tags.words)


def test_the_law_is_drawn_where_the_record_has_its_coefficients(tmp_path: Path) -> None:
    """A dashed curve for the model that has one; the other one's marks are joined."""
    cells = [tasks(way, count) for way in ("direct", "pooled") for count in COUNTS]
    labels = {"rate_per_s": 1000.0, "contention": 0.9, "coherency": 0.01, "worst_percent": 3.0}
    figures: dict[str, Figure] = {
        f"scaling.usl.tasks[direct].{name}": value for name, value in labels.items()
    }
    page = page_of(run(tmp_path, {"scaling": cells}, figures))
    assert (1, 7) == (page.count('class="curve'), page.count('class="line'))
    assert "off by at most" in page


def test_the_page_is_light_and_dark_and_small(tmp_path: Path) -> None:
    """Five models at all sizes fit ten times into the limit, and each scheme has its colours."""
    cells = [tasks(f"model-{way}", count) for way in range(5) for count in COUNTS]
    page = page_of(run(tmp_path, {"scaling": cells}))
    assert "prefers-color-scheme: dark" in page and "color-scheme" in page
    assert len(page.encode()) < MOST_BYTES / 10


def test_marks_lie_where_their_values_say() -> None:
    """Counts double from left to right edge; a value twice as large is twice as high."""
    chart = over_counts(
        "t", "y", [Series(name="s", points=[(1, 10), (2, 20), (4, 40)])], x_label="x"
    )
    assert chart is not None
    (one,) = chart.series
    xs, ys = zip(*one.marks, strict=True)
    assert (LEFT, (LEFT + WIDTH - RIGHT) / 2, WIDTH - RIGHT) == xs
    floor = HEIGHT - 40
    assert [2.0, 2.0] == pytest.approx(
        [(floor - ys[1]) / (floor - ys[0]), (floor - ys[2]) / (floor - ys[1])], rel=0.01
    )


def test_a_layer_that_costs_less_than_nothing_takes_no_room() -> None:
    """Noise can make a rung faster than the one below; the others still fill the width."""
    segments = stacked([("a", 30.0), ("b", -5.0), ("c", 10.0)])
    assert [0.75 * WIDTH, 0.0, 0.25 * WIDTH] == [each.width for each in segments]


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (None, 2, "no such file"),
        ("{}", 4, "not a record of this project"),
    ],
)
def test_what_is_no_record_is_told(
    content: str | None, code: int, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A page of nothing would look like a result."""
    record = tmp_path / "benchmarks.json"
    if content is not None:
        record.write_text(content)
    assert code == main([str(record), "--out", str(tmp_path / "page.json")])
    assert words in capsys.readouterr().out
    assert not record.with_suffix(".html").exists()


def test_a_session_without_groups_shows_its_figures(tmp_path: Path) -> None:
    """There is nothing to draw, and what there is stands in a table."""
    page = page_of(run(tmp_path, {}, {"laws": 7}))
    text = re.sub(r"<[^>]*>", "|", page)
    assert ("<svg" in page, "|laws||7|" in text) == (False, True)


def mutant(name: str, killed_by: str | None, **changes: object) -> MutantRecord:
    """One that two laws were asked of."""
    fields: dict[str, Any] = {
        "name": name,
        "family": HOSTILE,
        "sentence": HOSTILE,
        "subject": "handrolled",
        "laws": ["one", "two"],
        "realistic": HOSTILE,
        "shows": HOSTILE,
        "verdicts": {"one": LawVerdict.PASS, "two": LawVerdict.FAIL},
        "killed_by": killed_by,
        "cpu_s": 0.5,
        "line_count": 3,
        "counterexample": HOSTILE,
    }
    return MutantRecord(**(fields | changes))


def test_the_kill_matrix_is_a_page_too(tmp_path: Path) -> None:
    """Who kills what, who first, who survives, what is correct; no script, and no text is HTML."""
    record = tmp_path / "mutants.json"
    found = DiscoveryRecord(
        name="caught",
        family="f",
        instrument="laws",
        cap_s=5.0,
        cpu_s=[0.5, None, None],
        elapsed_s=[0.5, None, None],
        killers={"two": 1},
    )
    schema.write(
        record,
        MutantsRecord(
            name="mutants",
            verdict=Verdict.FAIL,
            summary=HOSTILE,
            is_matrix=True,
            untouched={},
            mutants=[
                mutant("caught", "two"),
                mutant("missed", None, verdicts={"one": LawVerdict.UNKNOWN}, counterexample=None),
                mutant("right", None, laws=[], verdicts={"one": LawVerdict.PASS}),
            ],
            discoveries=[found],
        ),
    )
    page = page_of(record)
    assert "<script" not in page
    assert HOSTILE not in page
    assert not re.search(r"(src|href)=", page)
    text = re.sub(r"<[^>]*>", "|", page)
    assert "|caught||two, 0.50 s, 3 lines||x||·|" in text
    assert "|missed||survives||||?|" in text
    assert "|right||correct: every law must hold||||·|" in text
    assert "|caught||laws||1 of 3||&gt; 5 s|" in text


def timed(name: str, ratio: float, outcome: BenchmarkOutcome, **changes: object) -> Any:
    """A benchmark on both sides; its interval is one percent wide on each side."""
    fields: dict[str, object] = {
        "name": f"benchmarks/test_g.py::test_{name}",
        "is_control": name == "control",
        "baseline_us": 100.0,
        "candidate_us": 100.0 * ratio,
        "ratio": ratio,
        "ratio_low": ratio / 1.01,
        "ratio_high": ratio * 1.01,
        "confidence": 0.9,
        "epoch_count": 12,
        "outcome": outcome,
        "epoch_ratios": [ratio * (1 + epoch / 1000) for epoch in range(12)],
        "baseline_quantiles_us": [90.0 + step for step in range(41)],
        "candidate_quantiles_us": [(90.0 + step) * ratio for step in range(41)],
    }
    return BenchmarkComparison(**{**fields, **changes})  # type: ignore[arg-type]


def gate_page(folder: Path, **changes: object) -> str:
    """The page of a gate that failed."""
    fields: dict[str, object] = {
        "name": "gate",
        "verdict": Verdict.FAIL,
        "summary": HOSTILE,
        "requirements": [HOSTILE],
        "reasons": [Reason(verdict=Verdict.FAIL, text=HOSTILE)],
        "margin_percent": 1.0,
        "tolerance_percent": 3.0,
        "benchmarks": [
            timed("manager", 1.5, BenchmarkOutcome.REGRESSED),
            timed(HOSTILE, 1.0, BenchmarkOutcome.UNKNOWN, ratio_low=None),
            timed("control", 1.0, BenchmarkOutcome.QUIET),
        ],
        "laws": [
            LawComparison(
                law=f"{HOSTILE} [{number}]",
                kind=LawKind.MACHINE,
                sentence=HOSTILE,
                baseline=LawVerdict.PASS,
                candidate=LawVerdict.FAIL,
                outcome=LawOutcome.NEW_FAILURE,
                failure=f"{HOSTILE}\n" * 12,
            )
            for number in range(250)
        ],
    }
    record = folder / "gate.json"
    schema.write(record, GateRecord(**(fields | changes)))  # type: ignore[arg-type]
    return page_of(record)


def test_the_gate_s_page_stands_alone_too(tmp_path: Path) -> None:
    """Every law newly broken by hostile names: it is text, and small, and loads nothing."""
    page = gate_page(tmp_path)
    tags = Tags()
    tags.feed(page)
    assert ([], 0, 7) == (tags.loads, tags.names.count("script"), tags.names.count("svg"))
    assert 500 <= sum(HOSTILE in words for words in tags.words)
    assert len(page.encode()) < MOST_BYTES
    assert "Shortened to fit" in page
    assert "Shortened to fit" not in gate_page(tmp_path, laws=[])


def test_a_screen_reader_finds_its_way(tmp_path: Path) -> None:
    """One title, landmarks with names, heads with a scope, and drawings told in words."""
    page = gate_page(tmp_path)
    assert (1, 1, 1) == tuple(page.count(f"<{each}") for each in ("h1>", "main>", "header>"))
    assert '<html lang="en">' in page
    names = set(re.findall(r'<h2 id="(\w+)"', page))
    assert names == set(re.findall(r'<section aria-labelledby="(\w+)"', page)) and len(names) > 5
    assert not re.findall(r"<th(?! scope=)[ >]", page)
    drawn = re.findall(r"<svg [^>]*>", page)
    assert all('role="img" aria-label="' in each for each in drawn)
    assert "manager 1.500 (1.485 to 1.515), regressed" in page
    scrolled = re.findall(r'<div class="scroll"[^>]*>', page)
    assert all('role="region" tabindex="0" aria-label="' in each for each in scrolled)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_stand_out_from_their_ground(scheme: str) -> None:
    """At least 4.5 to 1 for text (WCAG 2.2, 1.4.3), on the paper and on a drawing's ground."""
    style = (Path(charts.__file__).parents[1] / "page" / "page.css").read_text("utf-8")
    light, dark = re.findall(r":root \{([^}]*)\}", style)
    colours = dict(re.findall(r"--([\w-]+): (#\w+);", dark if scheme == "dark" else light))
    words = {"ink", "soft", "red", "green", "amber", "plum"}
    poor = {
        (word, ground): round(found, 2)
        for word in words
        for ground in ("paper", "card")
        if (found := contrast(colours[word], colours[ground])) < 4.5
    }
    assert {} == poor


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours, as WCAG defines it."""

    def luminance(colour: str) -> float:
        digits = colour[1:] if len(colour) == 7 else "".join(2 * each for each in colour[1:])
        channels = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return sum(
            share * value for share, value in zip((0.2126, 0.7152, 0.0722), linear, strict=True)
        )

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_intervals_and_bands_lie_where_their_ratios_say() -> None:
    """On one logarithmic axis: equal ratios are equal distances, and the bands end at theirs."""
    bounds = Bounds(margin_percent=1.0, tolerance_percent=3.0)
    middle = math.sqrt(1.01 * 1.03)
    row = timed("manager", middle, BenchmarkOutcome.SLOWER, ratio_low=1.01, ratio_high=1.03)
    drawn = forest([row], bounds)
    assert drawn is not None
    (one,) = drawn.intervals
    tolerance, margin = drawn.bands
    assert one.low == pytest.approx(margin.at + margin.size, abs=0.2)
    assert one.high == pytest.approx(tolerance.at + tolerance.size, abs=0.2)
    assert one.middle - one.low == pytest.approx(one.high - one.middle, abs=0.3)
    assert drawn.one - margin.at == pytest.approx(margin.at + margin.size - drawn.one, abs=0.2)
    assert forest([], bounds) is None


def test_each_epoch_and_each_round_has_its_place() -> None:
    """Epochs from left to right edge, one band around 1; rounds rise from none to all."""
    row = timed("manager", 1.5, BenchmarkOutcome.REGRESSED)
    (chart,) = by_epoch([row], Bounds(margin_percent=None, tolerance_percent=3.0))
    (marks,) = (each.marks for each in chart.series)
    assert (12, LEFT, WIDTH - RIGHT) == (len(marks), marks[0][0], marks[-1][0])
    (band,) = chart.bands
    assert marks[0][1] < band.at < band.at + band.size < HEIGHT
    (rounds,) = every_round([row])
    for each in rounds.series:
        heights = [float(point.split(",")[1]) for point in each.line.split()]
        assert heights == sorted(heights, reverse=True)
        assert (HEIGHT - 40, 16) == (heights[0], heights[-1])
    without = timed("manager", 1.5, BenchmarkOutcome.UNKNOWN, baseline_quantiles_us=[])
    assert [] == list(every_round([without]))
