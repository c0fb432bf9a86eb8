"""Saying what goes on, so that nobody waits in silence for more than a few seconds."""

import time
from collections.abc import Callable
from typing import Self

from rich.console import Console
from rich.markup import escape

from reports.documents.words import printable

SILENCE_S = 3.0


class Progress:
    """Lines for what is done, and in between a sign of life.

    On a terminal the sign of life is one line that is rewritten; elsewhere it is a plain line
    whenever nothing was printed for `SILENCE_S`.
    """

    def __init__(self, console: Console, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._clock = clock
        self._started = clock()
        self._spoke = clock()
        self._place = ""
        self._status = console.status("") if console.is_terminal else None

    def __enter__(self) -> Self:
        """Show the live line."""
        if self._status is not None:
            self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Remove the live line."""
        if self._status is not None:
            self._status.stop()

    def say(self, text: str) -> None:
        """Print one line now."""
        self._print(text)

    def pulse(self, text: str) -> None:
        """Show that something still runs."""
        shown = printable(text)[:100]
        if self._status is not None:
            self._status.update(escape(shown))
        elif self._clock() - self._spoke >= SILENCE_S:
            self._print(shown)

    def at(self, place: str) -> None:
        """Say where the work is; `detail` adds to it."""
        self._place = place
        self.pulse(place)

    def detail(self, words: str) -> None:
        """Show what the work at this place says."""
        self.pulse(f"{self._place}: {words}" if words else self._place)

    def within(self, what: str) -> Callable[[str], None]:
        """A pulse for one piece of work; what the work itself says is added."""
        return lambda words: self.pulse(f"{what}: {words}" if words else what)

    def _print(self, text: str) -> None:
        self._spoke = self._clock()
        elapsed = f"{self._spoke - self._started:6.1f} s  "
        self._console.print(elapsed + printable(text), markup=False, soft_wrap=True)
