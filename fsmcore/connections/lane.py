"""A thread that runs what it is given, in order: how a blocking call leaves the event loop.

``asyncio.to_thread`` and executors would do the same in any thread of a pool; a connection wants
the thread that opened it, writers want a queue that is fair, and one hop here costs two thirds of
``run_in_executor``. It is a seam too: a simulation gives lanes whose calls it schedules.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import threading
import warnings
import weakref
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, Protocol, TypeVar

T = TypeVar("T")
Call = Callable[[], object]
_Item = tuple["asyncio.Future[Any] | None", Call, bool]

EXIT_S = 5.0
"""How long a lane that nobody ended may take to close its connection when the process ends."""


class Lane(Protocol):
    """Runs calls one after another, beside the event loop."""

    def submit(self, call: Callable[[], T]) -> asyncio.Future[T]:
        """Queue ``call``, which runs whoever is cancelled; its answer comes to the running loop."""
        ...

    def end(self) -> asyncio.Future[None]:
        """Run what is queued, then ``last``, then nothing more."""
        ...

    @property
    def last(self) -> Call:
        """What gives back what the lane's calls have opened; must not raise."""
        ...

    @last.setter
    def last(self, call: Call) -> None: ...


MakeLane = Callable[[str], Lane]
"""Makes a lane, given its name. Called in the event loop."""


def nothing() -> None:
    """Give nothing back."""


class ThreadLane:
    """A lane on a thread of its own.

    The thread never holds the lane, so a lane that is dropped says so and stops. It is a daemon,
    or an interpreter with an unclosed store would wait for it for ever; at exit it is ended like
    any other, so that its connection is closed.
    """

    def __init__(self, name: str) -> None:
        """Start the thread."""
        self.name = name
        self.last: Call = nothing
        self._loop = asyncio.get_running_loop()
        self._mail = _Mail()
        self._items: SimpleQueue[_Item] = SimpleQueue()
        self._has_ended = False
        self._thread = threading.Thread(
            target=_serve, args=(self._items, self._mail), name=f"fsmcore {name}", daemon=True
        )
        self._thread.start()
        _lanes.add(self)

    def submit(self, call: Callable[[], T]) -> asyncio.Future[T]:
        """Queue ``call``; see ``Lane``."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._items.put((future, call, False))
        return future

    def end(self) -> asyncio.Future[None]:
        """End the thread; see ``Lane``."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._stop(future)
        return future

    def _complain(self) -> None:
        warnings.warn(
            f"unclosed store ({self.name}); use 'async with', or await its close().",
            ResourceWarning,
            source=self,
            stacklevel=3,
        )

    def _stop(self, future: asyncio.Future[None] | None) -> None:
        self._has_ended = True
        _lanes.discard(self)
        self._items.put((future, self.last, True))

    def end_at_exit(self) -> None:
        """End the thread without an event loop, and wait for it a while."""
        self._complain()
        self._stop(None)
        self._thread.join(EXIT_S)

    def __del__(self) -> None:
        """Stop a thread that nobody has ended, and say that somebody forgot to."""
        if not self._has_ended:
            self._stop(None)
            self._complain()


class _Mail:
    """Answers on their way to a loop: one wake-up brings all that are ready by then."""

    __slots__ = ("answers", "is_on_its_way")

    def __init__(self) -> None:
        self.answers: deque[tuple[asyncio.Future[Any], bool, Any]] = deque()
        self.is_on_its_way = False

    def send(self, future: asyncio.Future[Any], failed: bool, answer: Any) -> None:
        """Called in the lane's thread."""
        self.answers.append((future, failed, answer))
        if not self.is_on_its_way:
            self.is_on_its_way = True
            # A closed loop: whoever waited is gone, and the others of this lane wait elsewhere.
            try:
                future.get_loop().call_soon_threadsafe(self.deliver)
            except RuntimeError:
                self.is_on_its_way = False
                self.answers.clear()

    def deliver(self) -> None:
        """Called in the loop. The mark first: an answer that comes now sends for itself."""
        self.is_on_its_way = False
        answers = self.answers
        while answers:
            future, failed, answer = answers.popleft()
            if future.done():
                continue
            if failed:
                future.set_exception(answer)
            else:
                future.set_result(answer)


def _serve(items: SimpleQueue[_Item], mail: _Mail) -> None:
    while True:
        future, call, is_last = items.get()
        try:
            answer: Any = call()
        except BaseException as error:  # noqa: BLE001 - handed to whoever waits
            if future is not None:
                mail.send(future, True, error)
        else:
            if future is not None:
                mail.send(future, False, answer)
            answer = None
        if is_last:
            return
        del future, call  # while it waits, it keeps nothing of the last caller alive


_lanes: weakref.WeakSet[ThreadLane] = weakref.WeakSet()


@atexit.register
def _end_all() -> None:
    for lane in list(_lanes):
        with contextlib.suppress(Exception):  # the interpreter is going
            lane.end_at_exit()
