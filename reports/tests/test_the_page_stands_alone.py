"""One HTML page from a finished run: nothing is loaded or run, and no name is taken for HTML."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from reports import schema
from reports.documents.charts import HEIGHT, LEFT, RIGHT, WIDTH, Series, over_counts, stacked
from reports.page.__main__ import MOST_BYTES, main
from reports.schema import (
    DiscoveryRecord,
    Figure,
    LawVerdict,
    MutantRecord,
    MutantsRecord,
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
