"""docs/schema says what records look like; `python -m reports.schema` writes it."""

import json
from pathlib import Path

import jsonschema  # type: ignore[import-untyped]  # its stubs are a package for one test
import msgspec
import pytest

from reports.schema import (
    SCHEMA_VERSION,
    BenchmarkComparison,
    BenchmarkOutcome,
    GateRecord,
    LawKind,
    LawRecord,
    LawsRecord,
    LawVerdict,
    Reason,
    SessionRecord,
    Verdict,
)
from reports.schema.__main__ import FOLDER, main, texts


def test_each_file_is_what_the_command_writes() -> None:
    """No record changes without its schema, and no schema stays without its record."""
    published = {each.name: each.read_text("utf-8") for each in FOLDER.glob("*.json")}
    old = {name for name in published.keys() | texts() if published.get(name) != texts().get(name)}
    assert set() == old, "write them anew: python -m reports.schema"


def test_a_schema_names_its_edition_and_insists_on_its_fields() -> None:
    """Whoever reads a record elsewhere knows which one it is, and that nothing else is in it."""
    found = json.loads(texts()["gate.json"])
    gate = found["$defs"]["GateRecord"]
    assert f"urn:fsmcore:gate:{SCHEMA_VERSION}" == found["$id"]
    assert (["gate"], False) == (gate["properties"]["kind"]["enum"], gate["additionalProperties"])
    assert {"kind", "verdict", "summary", "reasons"} <= set(gate["required"])


def test_a_schema_without_a_record_goes(tmp_path: Path) -> None:
    """And nothing but schemas does."""
    (tmp_path / "gone.json").write_text("{}")
    (tmp_path / "README.md").write_text("stays")
    assert 0 == main([str(tmp_path)])
    assert {*texts(), "README.md"} == {each.name for each in tmp_path.iterdir()}


TIMED = BenchmarkComparison(
    name="manager",
    is_control=False,
    baseline_us=1.0,
    candidate_us=2.0,
    ratio=2.0,
    ratio_low=None,
    ratio_high=None,
    confidence=0.9,
    epoch_count=1,
    outcome=BenchmarkOutcome.UNKNOWN,
    epoch_ratios=[2.0],
)
ASKED = LawRecord(
    law="one",
    kind=LawKind.MACHINE,
    sentence="One.",
    verdict=LawVerdict.FAIL,
    subject="x",
    examples=1,
    steps=1,
    elapsed_ms=1.5,
)
RECORDS = [
    SessionRecord(name="crashes", verdict=Verdict.PASS, summary="s", figures={"n": 1, "x": None}),
    LawsRecord(
        name="properties", verdict=Verdict.FAIL, summary="s", profile="dev", seed=1, laws=[ASKED]
    ),
    GateRecord(
        name="gate",
        verdict=Verdict.UNKNOWN,
        summary="s",
        requirements=[],
        reasons=[Reason(verdict=Verdict.UNKNOWN, text="t")],
        benchmarks=[TIMED],
    ),
]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_a_record_is_what_its_schema_says(record: SessionRecord) -> None:
    """By a validator that knows nothing of us; what else stands in a record is refused."""
    content = json.loads(msgspec.json.encode(record))
    published = json.loads((FOLDER / f"{content['kind']}.json").read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(published)
    jsonschema.validate(content, published)
    for wrong in ({"more": 1}, {"verdict": "green"}, {"schema_version": "1"}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(content | wrong, published)
