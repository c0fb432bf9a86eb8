"""One connection on one thread, kept open, for everything."""

from __future__ import annotations

from fsmcore.connections.gathering import LookingCrew
from fsmcore.connections.threaded import Threaded


class SingleWriter(Threaded):
    """Every read and every transaction of this store goes through one connection's queue.

    The queue is what makes it fair and keeps this process from ever meeting its own lock; other
    processes are met by the retry policy. A read waits for what was asked before it; reads that are
    asked in one turn of the event loop are of one snapshot.
    """

    crew = LookingCrew
