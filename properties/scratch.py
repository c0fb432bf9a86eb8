"""Folders for databases that live as long as one case."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from pathlib import Path

MEMORY_FOLDER = "/dev/shm"  # noqa: S108 - tmpfs; each folder made in it is private
PREFIX = "fsm core '"
STALE_S = 600.0


def scratch_folder() -> tempfile.TemporaryDirectory[str]:
    """Return a fresh folder, in memory where the system has such a place.

    Its name has a space and a quote in it, so that no path is ever taken for SQL or for a URI, and
    its process.
    """
    in_memory = os.path.isdir(MEMORY_FOLDER) and os.access(MEMORY_FOLDER, os.W_OK)
    return tempfile.TemporaryDirectory(
        prefix=f"{PREFIX}{os.getpid()} ", dir=MEMORY_FOLDER if in_memory else None
    )


def sweep_scratch_folders() -> None:
    """Remove the folders of processes of ours that were killed: memory that nobody gives back.

    A process that is not to be seen may live in another container, so ten minutes without a new
    file must have passed too.
    """
    for each in Path(MEMORY_FOLDER).glob(f"{PREFIX}* *"):
        owner = each.name.removeprefix(PREFIX).partition(" ")[0]
        with contextlib.suppress(OSError):
            age_s = time.time() - each.stat().st_mtime
            if owner.isdigit() and age_s > STALE_S and not _is_alive(int(owner)):
                shutil.rmtree(each, ignore_errors=True)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
