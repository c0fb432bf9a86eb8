"""Callbacks that raise: the guard, before the commit, after it, and the sleep between two tries.

What they raise must reach the caller as theirs. A callback's own database may be busy or failing
too, and an error that looks like the store's must not be taken for the store's.
"""

from __future__ import annotations

import functools
import sqlite3
from collections.abc import Callable

from properties.faults.plan import Fault, Means, Phase, Repeat, Strike
from properties.subjects import Offer, Place


class CallbackError(Exception):
    """What a callback raises."""


def _busy() -> Exception:
    error = sqlite3.OperationalError("database is locked (a callback's own)")
    error.sqlite_errorcode = sqlite3.SQLITE_BUSY
    error.sqlite_errorname = "SQLITE_BUSY"
    return error


class CallbackStrike(Strike):
    """Raises in the Nth callback."""

    places = frozenset({Place.GUARD, Place.BEFORE_COMMIT, Place.AFTER_COMMIT})

    def __init__(self, fault: Fault, *, error: Callable[[], Exception]) -> None:
        """``error`` makes what is raised."""
        super().__init__(fault)
        self._error = error

    async def at_place(self, place: Place) -> None:
        """Raise if it is due."""
        error = self._error()
        if place in self.places and self.is_due(f"{type(error).__name__} in {place.value}"):
            raise error


def _means(name: str, error: Callable[[], Exception]) -> Means:
    return Means(
        name=name,
        fault="callback error",
        operation="callback",
        strike=functools.partial(CallbackStrike, error=error),
        repeats=(Repeat.ONCE, Repeat.PERSISTENTLY),
        phases=(Phase.ATTEMPT,),
        depends_on=("python-statemachine",),
        needs_one_of=frozenset({Offer.GUARDS, Offer.CALLBACKS}),
    )


CALLBACKS = (
    _means("callback-raises", lambda: CallbackError("a callback's own")),
    _means("callback-times-out", lambda: TimeoutError("a callback's own")),
    _means("callback-is-busy", _busy),
    _means("callback-out-of-memory", lambda: MemoryError("a callback's own")),
)
