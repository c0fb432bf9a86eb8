"""Python objects that nobody needs any more, and that the garbage collector cannot free."""

from __future__ import annotations

import gc


class ObjectProbe:
    """Compares the number of live container objects, after a full collection each time.

    Milliseconds, not microseconds: for a whole case, not for each step of it. While it watches, the
    collector is off, so that what it would have closed in time is counted by the other probes.
    """

    def __init__(self) -> None:
        """Take what is alive now as given."""
        self._was_on = gc.isenabled()
        gc.collect()
        gc.disable()
        self._given = len(gc.get_objects())

    def findings(self, allowed: int) -> list[str]:
        """Return a sentence if more than ``allowed`` objects more are alive."""
        gc.collect()
        grown = len(gc.get_objects()) - self._given
        return [f"{grown:,} objects more are alive, {allowed} may be"] if grown > allowed else []

    def end(self) -> None:
        """Let the collector run as before."""
        if self._was_on:
            gc.enable()
