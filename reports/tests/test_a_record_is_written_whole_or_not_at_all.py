"""What `reports.schema` writes it reads back equal, and it leaves no half-written file."""

import json
import os
from pathlib import Path

import pytest

from reports import schema
from reports.schema import LawKind, LawRecord, LawsRecord, LawVerdict, SessionRecord, Verdict


def laws_record(**changes: object) -> LawsRecord:
    law = LawRecord(
        law="a_stale_writer_never_wins",
        kind=LawKind.MACHINE,
        sentence="A stale writer never wins.",
        verdict=LawVerdict.PASS,
        subject="per_transition",
        examples=30,
        steps=400,
        elapsed_ms=12.5,
    )
    fields: dict[str, object] = {
        "name": "properties",
        "verdict": Verdict.PASS,
        "summary": "1 law held",
        "figures": {"laws": 1, "rate": 0.5},
        "profile": "gate",
        "seed": 7,
        "laws": [law],
    }
    return LawsRecord(**{**fields, **changes})  # type: ignore[arg-type]


def test_a_relative_path_begins_where_the_caller_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And not in the checkout, where a session runs; an absolute one is left alone."""
    monkeypatch.setenv(schema.INVOKED_FROM, str(tmp_path))
    assert tmp_path / "a.json" == schema.given_path("a.json")
    assert Path("/a.json") == schema.given_path("/a.json")
    monkeypatch.chdir(tmp_path)
    assert Path("a.json") == schema.given_path("a.json")


def test_what_is_written_reads_back_equal(tmp_path: Path) -> None:
    """A record survives its file, and the folder is made for it."""
    path = tmp_path / "new" / "folder" / "properties.json"
    schema.write(path, laws_record())
    assert schema.read(path, LawsRecord) == laws_record()


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_a_number_that_is_not_finite_is_never_written(tmp_path: Path, number: float) -> None:
    """JSON has no NaN: it would come back as null, so it is refused before it is written."""
    path = tmp_path / "properties.json"
    with pytest.raises(schema.RecordNotWrittenError, match="finite"):
        schema.write(path, laws_record(figures={"ratio": number}))
    assert os.listdir(tmp_path) == []


def test_an_interrupted_write_leaves_the_old_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A failure between the temporary file and its renaming leaves the old record and no litter."""
    path = tmp_path / "properties.json"
    schema.write(path, laws_record())

    def full_disk(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(schema.RecordNotWrittenError, match="No space left on device"):
        schema.write(path, laws_record(summary="another"))
    assert os.listdir(tmp_path) == ["properties.json"]
    assert schema.read(path, LawsRecord) == laws_record()


def test_a_missing_record_says_so(tmp_path: Path) -> None:
    """A path without a file names the session to run."""
    with pytest.raises(schema.RecordMissingError, match="no such file"):
        schema.read(tmp_path / "none.json", LawsRecord)


@pytest.mark.parametrize("text", ["", "not json", "[]", "{}", '{"kind": "laws"}', "\xff"])
def test_a_file_that_is_no_record_says_so(tmp_path: Path, text: str) -> None:
    """Text that is not a record of ours is refused, however little of it is there."""
    path = tmp_path / "x.json"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(schema.RecordCorruptError, match="not a record"):
        schema.read(path, LawsRecord)


def test_a_record_of_another_kind_is_refused(tmp_path: Path) -> None:
    """A record is never read as another kind than it was written as."""
    path = tmp_path / "x.json"
    schema.write(path, SessionRecord(name="tests", verdict=Verdict.PASS, summary="all"))
    with pytest.raises(schema.RecordCorruptError, match="'session', not 'laws'"):
        schema.read(path, LawsRecord)


def test_a_record_of_a_newer_schema_is_refused_as_newer(tmp_path: Path) -> None:
    """A newer edition may hold what this one cannot judge, even where all known fields fit."""
    path = tmp_path / "x.json"
    schema.write(path, laws_record(schema_version=schema.SCHEMA_VERSION + 1))
    with pytest.raises(schema.RecordNewerError, match="schema version 2; this checkout reads 1"):
        schema.read(path, LawsRecord)


@pytest.mark.parametrize(
    ("field", "value"),
    [("verdict", "perhaps"), ("surprise", 1), ("laws", [{}]), ("seed", "7")],
)
def test_a_damaged_field_is_an_error_and_never_a_default(
    tmp_path: Path, field: str, value: object
) -> None:
    """Unknown fields, unknown verdicts and missing parts of a law are all refused."""
    path = tmp_path / "x.json"
    schema.write(path, laws_record())
    content = json.loads(path.read_text())
    content[field] = value
    path.write_text(json.dumps(content))
    with pytest.raises(schema.RecordCorruptError, match="damaged"):
        schema.read(path, LawsRecord)


def test_every_verdict_has_its_own_exit_code() -> None:
    """0 pass, 1 fail, 2 usage, 3 unknown, 4 invalid: one meaning each."""
    assert {each.value: each.exit_code for each in Verdict} == {
        "pass": 0,
        "fail": 1,
        "usage": 2,
        "unknown": 3,
        "invalid": 4,
    }


def test_the_last_line_names_session_verdict_and_figures() -> None:
    """The last line on stdout is built in one place."""
    assert laws_record().last_line == "properties: pass: 1 law held"
