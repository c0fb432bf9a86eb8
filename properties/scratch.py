"""Folders for databases that live as long as one case."""

from __future__ import annotations

import os
import tempfile

MEMORY_FOLDER = "/dev/shm"  # noqa: S108 - tmpfs; each folder made in it is private


def scratch_folder() -> tempfile.TemporaryDirectory[str]:
    """Return a fresh folder, in memory where the system has such a place.

    Its name has a space and a quote in it, so that no path is ever taken for SQL or for a URI.
    """
    in_memory = os.path.isdir(MEMORY_FOLDER) and os.access(MEMORY_FOLDER, os.W_OK)
    return tempfile.TemporaryDirectory(
        prefix="fsm core '", dir=MEMORY_FOLDER if in_memory else None
    )
