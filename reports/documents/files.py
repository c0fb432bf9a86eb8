"""Where a document is left: a file, or the summary of a job on GitHub."""

import os
import sys
import tempfile
import traceback
from pathlib import Path

from reports.documents.markdown import markdown
from reports.documents.opened import told
from reports.schema import SessionRecord

STEP_SUMMARY = "GITHUB_STEP_SUMMARY"
"""In the environment of a job: the file whose Markdown its page shows."""


def write(path: Path, text: str) -> None:
    """Write a text whole or not at all. Raises ``OSError``, leaving what stood there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(text)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def append_to_step_summary(record: SessionRecord, *, beside: Path | None = None) -> None:
    """Tell the record on the job's page, if there is one; a page that fails changes no verdict."""
    path = os.environ.get(STEP_SUMMARY)
    if not path:
        return
    try:
        text = markdown(told(record, beside=beside))
        with open(path, "a", encoding="utf-8") as stream:
            stream.write(text)
    except OSError as error:
        print(f"${STEP_SUMMARY} cannot be written: {error}", file=sys.stderr)
    except Exception:  # noqa: BLE001 - the verdict stands, however badly it is told
        traceback.print_exc()
