"""Threads that run on after the connection that started them was closed."""

from __future__ import annotations

import threading
import time

from properties.probes.opener import frames, watch_threads, where

_SETTLE_S = 2.0
_KNOWN_SETTLE_S = 0.02
_known: set[str] = set()
"""Who started what stayed to the end of a whole wait, in this process."""


class ThreadProbe:
    """Counts threads that were not there at the start."""

    def __init__(self) -> None:
        """Take the threads that run now as given."""
        watch_threads()
        self._given = set(threading.enumerate())

    def findings(self, allowed: int) -> list[str]:
        """Return a sentence if more than ``allowed`` new threads run.

        A worker ends just after it has answered its last call, so those that are ending get up to
        two seconds to do it; a leaked one waits for calls for ever. That is waited for once: what
        the same place starts again gets a moment only, or a subject that leaks at each of its
        thousand steps would be watched for half an hour.
        """
        new = self._new()
        unheard = [thread for thread in new if where(frames(thread)) not in _known]
        settle_s = _SETTLE_S if len(unheard) > allowed else _KNOWN_SETTLE_S
        deadline = time.monotonic() + settle_s
        while len(new) > allowed and time.monotonic() < deadline:
            for thread in new:
                thread.join(_SETTLE_S / 1000)
            new = self._new()
        if len(new) <= allowed:
            return []
        _known.update(where(frames(thread)) for thread in new[allowed:])
        told = f"{len(new)} threads run, {allowed} belong to the store"
        return [f"{told}; the last one was started by {where(frames(new[-1]))}"]

    def _new(self) -> list[threading.Thread]:
        return [thread for thread in threading.enumerate() if thread not in self._given]
