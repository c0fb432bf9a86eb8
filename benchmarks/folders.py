"""Where the databases of a run lie: in memory where the system has a place for that."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.groups import Place
from properties.environment import filesystem_kind

IN_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder with a random name is made inside
NEEDED_BYTES = 48 * 1024 * 1024
"""More than the largest workload needs; a container may have as little as 64 MiB there."""

IN_MEMORY_KINDS = {"tmpfs", "ramfs"}

_PREFIX = "fsmcore-benchmarks-"
_STALE_S = 3600.0


def parent_for(place: Place) -> Path:
    """Return where databases of a place lie; the disk is where temporary files outlive a boot."""
    if place is Place.MEMORY:
        return default_parent()
    on_disk = [Path(tempfile.gettempdir()), Path("/var/tmp"), Path.cwd()]  # noqa: S108 - as above
    kept = [each for each in on_disk if filesystem_kind(each) not in IN_MEMORY_KINDS]
    return next((each for each in kept if os.access(each, os.W_OK)), on_disk[0])


def default_parent() -> Path:
    """Return tmpfs where there is one with room, else the folder for temporary files.

    A clock on tmpfs shows the cost of code. On a disk it would show the disk, whose fsync is
    bimodal (266 to 2721 a second on one machine): figures from the two are not comparable, so
    every record names the file system.
    """
    with contextlib.suppress(OSError):
        if os.access(IN_MEMORY, os.W_OK) and shutil.disk_usage(IN_MEMORY).free >= NEEDED_BYTES:
            return IN_MEMORY
    return Path(tempfile.gettempdir())


@contextlib.contextmanager
def scratch(parent: Path) -> Iterator[Path]:
    """Lend a folder in ``parent`` and remove it after; first remove what killed runs left."""
    _sweep(parent)
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _sweep(parent: Path) -> None:
    # A gate kills a measured process that does not end, and memory has no reboot to clean it.
    # An hour is longer than any run, so nothing that is in use can go.
    for left in parent.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > _STALE_S:
                shutil.rmtree(left, ignore_errors=True)
