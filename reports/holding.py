"""Who uses which environment: nobody makes room by removing what somebody works with."""

import contextlib
import fcntl
import os
import shutil
from pathlib import Path

from reports import kept

ENVIRONMENTS = "environments"
"""The folder of a cache that holds them."""
USED = "used"
"""In each environment: locked by whoever uses it, as old as its last use."""


def is_whole(home: Path) -> bool:
    return (home / USED).exists()


class Hold:
    """A shared lock on an environment, for as long as anybody knows of this object."""

    def __init__(self, home: Path) -> None:
        """Take it. Raises `FileNotFoundError` where the environment is gone."""
        self._descriptor = os.open(home / USED, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        fcntl.flock(self._descriptor, fcntl.LOCK_SH)
        if os.fstat(self._descriptor).st_ino != (home / USED).stat().st_ino:
            raise FileNotFoundError(f"{home} was made anew meanwhile")
        os.utime(self._descriptor)

    def __del__(self) -> None:
        """Let go."""
        with contextlib.suppress(AttributeError):
            os.close(self._descriptor)


def remove_unused(home: Path) -> bool:
    """Remove an environment unless somebody uses it."""
    with (home / USED).open("a", encoding="utf-8") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        doomed = home.with_name(f"{home.name}.removed")
        home.rename(doomed)
    shutil.rmtree(doomed, ignore_errors=True)
    return True


def make_room(cache: Path, most_bytes: float) -> list[str]:
    """Remove what was used longest ago until the rest fits; returns what was removed.

    What anybody uses stays, so more than `most_bytes` may remain.
    """
    homes = [each for each in (cache / ENVIRONMENTS).glob("*/") if is_whole(each)]
    homes.sort(key=lambda each: (each / USED).stat().st_mtime, reverse=True)
    total, removed = 0, []
    for home in homes:
        size = kept.size_bytes(home)
        if total + size > most_bytes and remove_unused(home):
            removed.append(home.name)
        else:
            total += size
    return removed
