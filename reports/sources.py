"""A digest of what an answer depends on beside the releases: sources and lock of the checkout."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

RUN = ("fsmcore", "properties", "benchmarks", "reports/schema")
"""What a measured process runs. The judges of its answer are the rest of `reports`."""
WHOLE = ("fsmcore", "properties", "benchmarks", "reports")
_ENDINGS = ("*.py", "*.toml", "*.json")


def digest(root: Path, folders: Sequence[str] = RUN) -> str:
    """Digest the files of these folders, tests and records aside, the project file and the lock."""
    found = hashlib.sha256()
    files = {root / "pyproject.toml", root / "uv.lock"}
    for folder in folders:
        files |= {path for ending in _ENDINGS for path in (root / folder).rglob(ending)}
    for path in sorted(files):
        where = path.relative_to(root)
        if path.is_file() and where.parts[:2] != ("reports", "out") and "tests" not in where.parts:
            found.update(where.as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return found.hexdigest()
