"""How often a known defect has failed to show: counted across runs, kept in a small file.

A defect that shows in half of the runs proves nothing by staying away once. After `n` clean runs
in a row the chance that it is still there is (1 - p)^n; the entry is stale when that is at most
1 %. A run counts when it was at least as long as those the rate was recorded from.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

import msgspec

from properties.session import ROOT

STATE = ROOT / ".nox" / "durability" / "clean-runs.json"


class CleanRuns(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Clean runs in a row, by law and SQLite."""

    counts: dict[str, int] = {}

    @classmethod
    def read(cls, path: Path = STATE) -> CleanRuns:
        """Return what was kept. What cannot be read is forgotten: that only asks for more runs."""
        try:
            return msgspec.json.decode(path.read_bytes(), type=cls)
        except (OSError, msgspec.DecodeError):
            return cls()

    def note(self, law: str, version: str, *, is_clean: bool) -> int:
        """Count one run; a defect that shows begins the count anew. Return the count."""
        key = f"{law} on SQLite {version}"
        self.counts[key] = self.counts.get(key, 0) + 1 if is_clean else 0
        return self.counts[key]

    def write(self, path: Path = STATE) -> None:
        """Keep the counts, whole or not at all. A folder that cannot be written keeps nothing."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor, temporary = tempfile.mkstemp(dir=path.parent, suffix=".partial")
        except OSError:
            return
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            json.dump({"counts": self.counts}, stream)
        os.replace(temporary, path)
