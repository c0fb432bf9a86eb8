"""The first moment at which a law is seen to be broken, for whoever counts the time until then.

What follows a sighting (running it again, making it small) is part of the report and not of the
search. Nobody watches unless `watchers` says so.
"""

from __future__ import annotations

from collections.abc import Callable

watchers: list[Callable[[str | None], None]] = []
"""Called with the broken law's name; None is the law that is being asked."""


def sighted(law: str | None = None) -> None:
    """Tell whoever watches that a judge has just found a law broken."""
    for watcher in watchers:
        watcher(law)
