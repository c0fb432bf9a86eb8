"""One record as Markdown and for a test server: no name is markup, and nothing unknown is green."""

import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from reports import schema, session
from reports.documents import told
from reports.documents.files import STEP_SUMMARY
from reports.documents.junit import junit
from reports.documents.markdown import markdown
from reports.page.__main__ import main
from reports.processes import clean_environ
from reports.schema import (
    BehaviourChange,
    BenchmarkComparison,
    BenchmarkOutcome,
    ChangeOutcome,
    GateRecord,
    LawComparison,
    LawKind,
    LawOutcome,
    LawRecord,
    LawsRecord,
    LawVerdict,
    Reason,
    SessionRecord,
    Verdict,
)

HOSTILE = "`x` | <script>1</script> [a](http://b) **c** ]]> _d_ </details> www.e.f ~~g~~ &amp; \\"
CONTROL = "a\x00b\x1b[2J\ud800\ufffe"
FENCES = f"```\n# no heading\n</pre></details>\n`````\n{CONTROL}"


def law(verdict: LawVerdict, name: str = "a_law", **changes: object) -> LawRecord:
    """What a law said."""
    fields: dict[str, object] = {
        "law": name,
        "kind": LawKind.MACHINE,
        "sentence": "A law.",
        "verdict": verdict,
        "subject": "handrolled",
        "examples": 1,
        "steps": 1,
        "elapsed_ms": 1500.0,
    }
    return LawRecord(**{**fields, **changes})  # type: ignore[arg-type]


def laws(*found: LawRecord, verdict: Verdict = Verdict.FAIL, **changes: object) -> LawsRecord:
    """The record of a session."""
    fields: dict[str, object] = {
        "name": "properties",
        "verdict": verdict,
        "summary": "some laws hold",
        "profile": "dev",
        "seed": 1,
        "laws": list(found),
    }
    return LawsRecord(**{**fields, **changes})  # type: ignore[arg-type]


def compared(outcome: LawOutcome, **changes: object) -> LawComparison:
    """A law in both environments."""
    fields: dict[str, object] = {
        "law": "a_law [manager]",
        "kind": LawKind.MACHINE,
        "sentence": "A law.",
        "baseline": LawVerdict.PASS,
        "candidate": LawVerdict.FAIL,
        "outcome": outcome,
    }
    return LawComparison(**{**fields, **changes})  # type: ignore[arg-type]


def timed(outcome: BenchmarkOutcome, **changes: object) -> BenchmarkComparison:
    """A benchmark on both sides."""
    fields: dict[str, object] = {
        "name": "benchmarks/test_g.py::test_manager",
        "is_control": False,
        "baseline_us": 10.0,
        "candidate_us": 12.0,
        "ratio": 1.2,
        "ratio_low": 1.1,
        "ratio_high": 1.3,
        "confidence": 0.9,
        "epoch_count": 12,
        "outcome": outcome,
        "epoch_ratios": [1.2] * 12,
    }
    return BenchmarkComparison(**{**fields, **changes})  # type: ignore[arg-type]


def gated(verdict: Verdict = Verdict.FAIL, **changes: object) -> GateRecord:
    """The record of a gate."""
    fields: dict[str, object] = {
        "name": "gate",
        "verdict": verdict,
        "summary": "judged",
        "requirements": ["aiosqlite==0.20.0"],
        "reasons": [Reason(verdict=verdict, text="because")],
    }
    return GateRecord(**{**fields, **changes})  # type: ignore[arg-type]


class Shown(HTMLParser):
    """What a reader sees: tags, links and words."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.words: list[str] = []
        self.depth = 0
        self.feed(MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(text))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag."""
        self.tags.add(tag)
        self.depth += tag == "details"

    def handle_endtag(self, tag: str) -> None:
        """Note how deep the folds are."""
        self.depth -= tag == "details"
        assert self.depth >= 0

    def handle_data(self, data: str) -> None:
        """Note text."""
        self.words.append(data)


def suite_of(text: str) -> ET.Element:
    """The one suite of a file."""
    (suite,) = ET.fromstring(text)  # noqa: S314 - it was written a moment ago, by us
    return suite


def cases(text: str) -> dict[str, tuple[str, str, str]]:
    """Each case by its name: what it is, its message and its text."""
    found = {}
    for each in suite_of(text):
        (child,) = each
        found[each.attrib["name"]] = (child.tag, child.get("message", ""), child.text or "")
    return found


def test_no_name_is_markup_in_markdown() -> None:
    """In a title, a reason, a table, a fold's title and a text that is shown as it is."""
    broken = compared(LawOutcome.NEW_FAILURE, law=HOSTILE, sentence=HOSTILE, failure=FENCES)
    record = gated(
        laws=[broken],
        requirements=[HOSTILE],
        summary=HOSTILE + CONTROL,
        reasons=[Reason(verdict=Verdict.FAIL, text=HOSTILE)],
        weaknesses=[HOSTILE],
    )
    shown = Shown(markdown(told(record)))
    ours = {"h2", "h3", "p", "strong", "ul", "li", "details", "summary", "pre", "code"}
    ours |= {"table", "thead", "tbody", "tr", "th", "td"}
    assert (set(), 0) == (shown.tags - ours, shown.depth)
    text = "".join(shown.words)
    assert 7 <= text.count(HOSTILE)
    assert "# no heading\n</pre></details>\n`````\n" in text
    assert not set(text) & set("\x00\x1b\ud800\ufffe")


def test_a_summary_that_grows_too_long_names_what_it_leaves_out() -> None:
    """The answer and its reasons stay; a page that is dropped whole would show nothing."""
    many = [compared(LawOutcome.HOLDS, law=f"law_{each} [x]") for each in range(300)]
    text = markdown(told(gated(laws=many)), most_bytes=2_000)
    assert len(text.encode()) < 2_500
    assert "because" in text and "Left out, as too long for here: Laws." in text


def test_unknown_is_an_error_and_only_what_was_not_asked_is_skipped() -> None:
    """A failure holds its timeline; a defect that is known passes, and is named."""
    record = laws(
        law(LawVerdict.PASS, "holds"),
        law(LawVerdict.FAIL, "fails", failure="12 ms  a: COMMIT\nAgain: nox"),
        law(LawVerdict.UNKNOWN, "doubts", reason="it crashed"),
        law(LawVerdict.NOT_ASKED, "skips", reason="does not offer x"),
        law(LawVerdict.FAIL, "known", reason="aiosqlite 0.22.1: x", is_known=True, failure="seen"),
        dropped=["pinned"],
    )
    assert {
        "verdict": "failure",
        "holds": "system-out",
        "fails": "failure",
        "doubts": "error",
        "skips": "skipped",
        "known": "system-out",
        "pinned": "failure",
    } == {name: tag for name, (tag, _, _) in cases(junit(told(record))).items()}
    found = cases(junit(told(record)))
    assert "12 ms  a: COMMIT\nAgain: nox" == found["fails"][2]
    assert ("it crashed", "does not offer x") == (found["doubts"][1], found["skips"][1])
    suite = suite_of(junit(told(record))).attrib
    assert ("7", "3", "1", "1", "7.500") == tuple(
        suite[name] for name in ("tests", "failures", "errors", "skipped", "time")
    )


@pytest.mark.parametrize("verdict", [Verdict.UNKNOWN, Verdict.INVALID, Verdict.USAGE, Verdict.FAIL])
def test_what_did_not_pass_is_never_green(verdict: Verdict) -> None:
    """Even where no single thing is to blame: the verdict is a case of its own."""
    plain = SessionRecord(name="crashes", verdict=verdict, summary="no luck")
    for record in (plain, gated(verdict), laws(verdict=verdict)):
        tag, message, _ = cases(junit(told(record)))["verdict"]
        assert tag == ("failure" if verdict is Verdict.FAIL else "error")
        assert message.startswith(f"{verdict.value}: ")


def test_the_gate_s_outcomes_keep_their_weight() -> None:
    """What the ledger accepts passes, an open change and a clock not believed are errors."""

    def change(name: str, outcome: ChangeOutcome) -> BehaviourChange:
        return BehaviourChange(name=name, kind="says", sentence="s", source="s", outcome=outcome)

    record = gated(
        Verdict.INVALID,
        laws=[
            compared(LawOutcome.NEW_FAILURE, law="bad [x]", failure="seen"),
            compared(LawOutcome.NEW_FAILURE, law="fine [x]", accepted="reports/accepted.toml:1"),
            compared(LawOutcome.FAILS_OTHERWISE, law="other [x]"),
            compared(LawOutcome.FIXED, law="fixed [x]"),
        ],
        behaviour=[change("open", ChangeOutcome.CHANGED), change("let", ChangeOutcome.ALLOWED)],
        benchmarks=[timed(BenchmarkOutcome.REGRESSED)],
    )
    found = {name: tag for name, (tag, _, _) in cases(junit(told(record))).items()}
    assert {
        "verdict": "error",
        "bad": "failure",
        "fine": "system-out",
        "other": "error",
        "fixed": "system-out",
        "open": "error",
        "let": "system-out",
        "manager": "error",
    } == found
    believed = gated(Verdict.FAIL, benchmarks=[timed(BenchmarkOutcome.REGRESSED)])
    assert "failure" == cases(junit(told(believed)))["manager"][0]


def test_no_text_breaks_the_xml() -> None:
    """Whatever it says, it reads back, but for characters that XML does not know."""
    record = laws(law(LawVerdict.FAIL, HOSTILE + CONTROL, failure=FENCES + HOSTILE))
    found = cases(junit(told(record)))
    replaced = CONTROL.translate(dict.fromkeys(map(ord, "\x00\x1b\ud800\ufffe"), "\ufffd"))
    assert FENCES.replace(CONTROL, replaced) + HOSTILE == found[HOSTILE + replaced][2]


def test_a_verdict_is_told_on_the_page_of_its_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is added to what is there; what a session starts says nothing on that page."""
    page = tmp_path / "summary.md"
    page.write_text("before\n")
    monkeypatch.setenv(STEP_SUMMARY, str(page))
    assert 1 == session.finish(gated(), tmp_path / "gate.json")
    before, _, told_there = page.read_text("utf-8").partition("\n")
    assert ("before", "## May we upgrade?") == (before, told_there[:18])
    assert STEP_SUMMARY not in clean_environ()
    monkeypatch.setenv(STEP_SUMMARY, str(tmp_path / "no" / "such"))
    assert 1 == session.finish(gated(), tmp_path / "gate.json")
    assert "cannot be written" in capsys.readouterr().err


def test_each_file_that_is_asked_for_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And no other: a page beside the record is made only where nothing is named."""
    record = tmp_path / "gate.json"
    schema.write(record, gated())
    asked = ("--markdown", str(tmp_path / "a.md"), "--junit", str(tmp_path / "b.xml"))
    assert 0 == main([str(record), *asked, "--out", str(tmp_path / "page.json")])
    assert "a.md: 1 KiB; " in capsys.readouterr().out
    written = {each.name for each in tmp_path.iterdir()}
    assert {"gate.json", "a.md", "b.xml", "page.json"} == written
