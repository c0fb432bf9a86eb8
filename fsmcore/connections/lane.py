"""A thread that runs what it is given, in order: how a blocking call leaves the event loop.

``asyncio.to_thread`` and executors would do the same in any thread of a pool; a connection wants
the thread that opened it, writers want a queue that is fair, and one hop here costs two thirds of
``run_in_executor``. It is a seam too: a simulation gives lanes whose calls it schedules.

Waking a thread hands it the interpreter's lock, and costs more than most calls. So what is
submitted in one turn of the event loop crosses over together, and so do answers that are ready
within ``TOGETHER_S`` of each other.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import threading
import time
import warnings
import weakref
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, Protocol, TypeVar

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

Last = Callable[[], None]
_Item = tuple["asyncio.Future[Any] | None", Callable[[], object]]

TOGETHER_S = 0.003
EXIT_S = 5.0
"""How long a lane that nobody ended may take to close its connection when the process ends."""


class Asked(Protocol):
    """Something that a task waits for."""

    def withdraw(self) -> None:
        """Say, in the event loop, that nobody wants it any more."""
        ...


class Hop(Asked, Protocol[T_co]):
    """A call for a lane."""

    def __call__(self) -> T_co:
        """Run in the lane's thread."""
        ...


class Answer(asyncio.Future[T]):
    """What something asked for will come to. A task that waits for it cannot leave before its end.

    Cancelled, the task withdraws what it asked for, so that it comes to its end sooner, and has its
    CancelledError then: nothing runs on behalf of a caller who is gone, and what became of it is
    known. A future that refuses to be cancelled has just this effect on its task; a waiter between
    the two would cost as much as a short hop.
    """

    __slots__ = ("asked",)

    asked: Asked

    def cancel(self, msg: object = None) -> bool:  # noqa: ARG002 - the task keeps it
        """Withdraw and refuse."""
        if not self.done():
            self.asked.withdraw()
        return False


def answer_to(asked: Asked) -> Answer[Any]:
    """Return what will answer ``asked`` in the running loop.

    No ``__init__``: written in Python it would take three times as long as making the future.
    """
    answer: Answer[Any] = Answer(loop=asyncio.get_running_loop())
    answer.asked = asked
    return answer


class Lane(Protocol):
    """Runs hops one after another, beside the event loop."""

    def submit(self, hop: Hop[T]) -> Answer[T]:
        """Queue ``hop``; its answer comes to the running loop."""
        ...

    def end(self) -> asyncio.Future[None]:
        """Run what is queued, then ``last``, then nothing more."""
        ...

    @property
    def last(self) -> Last:
        """What gives back what the lane's hops have opened; must not raise."""
        ...

    @last.setter
    def last(self, call: Last) -> None: ...


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
        self.last: Last = nothing
        self._mail = _Mail()
        self._items: SimpleQueue[_Item | None] = SimpleQueue()
        self._has_ended = False
        self._thread = threading.Thread(
            target=_serve, args=(self._items, self._mail), name=f"fsmcore {name}", daemon=True
        )
        self._thread.start()
        _lanes.add(self)

    def submit(self, hop: Hop[T]) -> Answer[T]:
        """Queue ``hop``; see ``Lane``."""
        answer: Answer[T] = answer_to(hop)
        self._items.put((answer, hop))
        return answer

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
        self._items.put((future, self.last))
        self._items.put(None)

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
    """Answers on their way to their loop: one wake-up brings all that are ready by then."""

    __slots__ = ("answers", "on_its_way_to")

    def __init__(self) -> None:
        self.answers: deque[tuple[asyncio.Future[Any], bool, Any]] = deque()
        self.on_its_way_to: asyncio.AbstractEventLoop | None = None

    def send(self) -> None:
        """Called in the lane's thread."""
        while self.answers:
            try:
                answer = self.answers[0]
            except IndexError:  # delivered this very moment
                return
            loop = answer[0].get_loop()
            try:
                if loop.is_closed():  # also with a wake-up under way, which it will never hear
                    self.answers.remove(answer)
                elif self.on_its_way_to is loop:
                    return
                else:
                    self.on_its_way_to = loop
                    loop.call_soon_threadsafe(self.deliver)
                    return
            except RuntimeError:  # closed this very moment, and nobody waits there any more
                self.on_its_way_to = None
            except (IndexError, ValueError):  # delivered while it was looked for
                continue

    def deliver(self) -> None:
        """Called in the loop. The mark first: an answer that comes now sends for itself."""
        self.on_its_way_to = None
        answers = self.answers
        while answers:
            future, failed, answer = answers.popleft()
            if future.done() or future.get_loop().is_closed():
                continue
            if failed:
                future.set_exception(answer)
            else:
                future.set_result(answer)


def _serve(items: SimpleQueue[_Item | None], mail: _Mail) -> None:
    is_sent, since_s = True, 0.0
    while (item := items.get()) is not None:
        future, call = item
        if is_sent:
            is_sent, since_s = False, time.monotonic()
        try:
            answer: Any = call()
            failed = False
        except BaseException as error:  # noqa: BLE001 - handed to whoever waits
            answer, failed = error, True
        if future is not None:
            mail.answers.append((future, failed, answer))
        del item, future, call, answer  # while it waits, it keeps nothing of a caller alive
        if items.empty() or time.monotonic() - since_s > TOGETHER_S:
            mail.send()
            is_sent = True
    mail.send()


_lanes: weakref.WeakSet[ThreadLane] = weakref.WeakSet()


@atexit.register
def _end_all() -> None:
    for lane in list(_lanes):
        with contextlib.suppress(Exception):  # the interpreter is going
            lane.end_at_exit()
