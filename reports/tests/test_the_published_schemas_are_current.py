"""docs/schema says what records look like; `python -m reports.schema` writes it."""

import json
from pathlib import Path

from reports.schema import SCHEMA_VERSION
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
