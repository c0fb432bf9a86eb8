"""Python objects that nobody needs any more, and that the garbage collector cannot free."""

from __future__ import annotations

import gc
import weakref


class ObjectProbe:
    """Counts the container objects that were made since and are alive after a collection.

    For a whole case, not for each step of it. While it watches, the collector is off, so that what
    it would have closed in time is counted by the other probes; and what was alive before is out of
    its sight, so that a collection costs what is new and not the tens of milliseconds of all.
    """

    def __init__(self) -> None:
        """Take what is alive now as given."""
        self._was_on = gc.isenabled()
        gc.disable()
        gc.freeze()

    def findings(self, allowed: int) -> list[str]:
        """Return a sentence if more than ``allowed`` objects more are alive."""
        gc.collect()
        grown = sum(not _is_dead(each) for each in gc.get_objects())
        return [f"{grown:,} objects more are alive, {allowed} may be"] if grown > allowed else []

    def end(self) -> None:
        """Let the collector see everything, and run, as before."""
        gc.unfreeze()
        if self._was_on:
            gc.enable()


def _is_dead(found: object) -> bool:
    # A sqlite3 connection that stays open keeps up to two hundred of those, of its cursors.
    return type(found) is weakref.ref and found() is None
