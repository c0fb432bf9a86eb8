"""The history of a broken law, kept as a file that other checkers can read."""

from __future__ import annotations

from pathlib import Path

from properties.history import files
from properties.history.records import MalformedHistoryError
from properties.history.told import history_of
from properties.rules.court import Evidence
from properties.session import OUT, ROOT
from reports.schema import RecordNotWrittenError

FOLDER = OUT / "histories"


def keep_history(law: str, subject_name: str, evidence: Evidence, folder: Path = FOLDER) -> str:
    """Write what was asked and answered, and return the line that says where, or why not."""
    path = folder / f"{law}-{subject_name.replace(':', '.')}.json"
    try:
        history = history_of(
            evidence.operations,
            evidence.observations,
            evidence.snapshot,
            lifecycle=evidence.lifecycle,
        )
        files.write(path, history)
    except (MalformedHistoryError, RecordNotWrittenError) as error:
        return f"The history is not kept: {error}"
    shown = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
    return f"The history: nox -s history -- {shown}"
