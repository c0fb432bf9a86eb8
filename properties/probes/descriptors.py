"""File descriptors that were opened and not closed."""

from __future__ import annotations

import os

_FOLDER = "/proc/self/fd"


class DescriptorProbe:
    """Compares the descriptors that point into one folder, now and at the start.

    SQLite keeps a closed connection's descriptor while another connection of the process holds a
    lock on the file, so this is asked once nothing is open any more.
    """

    can_see = os.path.isdir(_FOLDER)
    """False where the system does not list a process's descriptors; then nothing is found."""

    def __init__(self, folder: str) -> None:
        """Watch descriptors to files below ``folder``."""
        self._folder = os.path.realpath(folder)

    def findings(self) -> list[str]:
        """Return a sentence for each file still open."""
        found = []
        for number in os.listdir(_FOLDER) if self.can_see else ():
            try:
                target = os.readlink(f"{_FOLDER}/{number}")
            except OSError:
                continue  # closed meanwhile, or the listing's own
            if target.startswith(self._folder + os.sep):
                found.append(f"a descriptor is open on {os.path.basename(target)}")
        return found
