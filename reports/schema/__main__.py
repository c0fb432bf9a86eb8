"""``python -m reports.schema [FOLDER]``: every record as JSON Schema, a file a kind.

The folder is docs/schema unless one is named; a schema there that no record has any more goes.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

import reports.schema
from reports.schema.files import given_path
from reports.schema.parts import SCHEMA_VERSION, Record

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "schema"
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def records() -> Iterator[tuple[str, type[Record]]]:
    """Yield each record that is a file of its own, under what its ``kind`` says."""
    for name in sorted(reports.schema.__all__):
        found = getattr(reports.schema, name)
        if isinstance(found, type) and issubclass(found, Record):
            known = msgspec.inspect.type_info(found)
            if isinstance(known, msgspec.inspect.StructType) and known.tag is not None:
                yield str(known.tag), found


def schema_of(kind: str, record: type[Record]) -> dict[str, Any]:
    """Return the schema of one kind of record, with an identity that holds its edition."""
    return {
        "$schema": DIALECT,
        "$id": f"urn:fsmcore:{kind}:{SCHEMA_VERSION}",
        **msgspec.json.schema(record),
    }


def texts() -> dict[str, str]:
    """Return the content of each file by its name."""
    return {
        f"{kind}.json": json.dumps(schema_of(kind, record), indent=1, ensure_ascii=False) + "\n"
        for kind, record in records()
    }


def main(given: Sequence[str] | None = None) -> int:
    """Write the files; the last line says how many."""
    made = argparse.ArgumentParser(prog="python -m reports.schema", description=__doc__)
    made.add_argument("folder", nargs="?", type=given_path, default=FOLDER)
    folder: Path = made.parse_args(given).folder
    wanted = texts()
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.json"):
        if old.name not in wanted:
            old.unlink()
    for name, text in wanted.items():
        (folder / name).write_text(text, "utf-8")
    print(f"{len(wanted)} kinds of records, edition {SCHEMA_VERSION}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
