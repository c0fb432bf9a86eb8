"""fsmcore's own threads as workers of the simulation, with the choice points of aiosqlite's.

A call that was submitted runs when the schedule says, and its answer lands when the schedule says;
in between its caller may be cancelled, and the call has happened all the same.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from typing import Any, TypeVar

from fsmcore.connections import Lane, ThreadLane
from fsmcore.connections.lane import Answer, Hop, answer_to, nothing
from properties.simulation import active
from properties.simulation.seam import SubmissionQueue
from properties.simulation.world import World

T = TypeVar("T")


class SimulatedLane:
    """A lane (see ``fsmcore.connections.Lane``) that a simulation steps.

    Whoever submits to one queue takes a place in it, so submissions do not commute. With
    ``lands_in_shared_memory`` the answers do not either: the model changes what its callers share
    when one lands.
    """

    def __init__(self, name: str, *, lands_in_shared_memory: bool = False) -> None:
        """Take the place of a thread; raises RuntimeError outside of a simulation."""
        simulation = active.running()
        if simulation is None:
            raise RuntimeError("a simulated lane was made outside of a simulation.")
        self.name = name
        self.last: Callable[[], None] = nothing
        self._simulation: World = simulation
        self._lands_in_shared_memory = lands_in_shared_memory
        self._queue = SubmissionQueue()
        simulation.add_worker(functools.partial(_serve, self._queue), self._queue)

    def submit(self, hop: Hop[T]) -> Answer[T]:
        """Queue ``hop``."""
        answer: Answer[T] = answer_to(hop)
        self._simulation.touch()
        if self._lands_in_shared_memory:
            answer.add_done_callback(lambda _: self._simulation.touch())
        self._queue.put_nowait((answer, hop))
        return answer

    def end(self) -> asyncio.Future[None]:
        """Stop when the queue is empty."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.put_nowait((future, _Stop(self.last).close_and_stop))
        return future


def lane_here(name: str) -> Lane:
    """Return a lane of the simulation that runs now, or a thread."""
    if active.running() is None:
        return ThreadLane(name)
    return SimulatedLane(name, lands_in_shared_memory=True)


class _Stop:
    """The last call, under the name by which the seam knows one that only ends a worker."""

    def __init__(self, last: Callable[[], None]) -> None:
        self._last = last

    def close_and_stop(self) -> None:
        self._last()


def _serve(queue: SubmissionQueue) -> None:
    while True:
        future, call = queue.get()
        is_last = getattr(call, "__name__", "") == "close_and_stop"
        try:
            answer: Any = call()
        except BaseException as error:  # noqa: BLE001 - handed to whoever waits
            future.get_loop().call_soon_threadsafe(set_exception, future, error)
        else:
            future.get_loop().call_soon_threadsafe(set_result, future, answer)
        if is_last:
            return
        del future, call, is_last


def set_result(future: asyncio.Future[Any], answer: Any) -> None:
    """Under the name by which the seam knows an answer."""
    if not future.done():
        future.set_result(answer)


def set_exception(future: asyncio.Future[Any], error: BaseException) -> None:
    """Under the name by which the seam knows a failure."""
    if not future.done():
        future.set_exception(error)
