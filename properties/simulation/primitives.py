"""asyncio's locks and events, taught to say when they are touched.

Tasks that never meet in a lock or an event commute; a search must know which do meet. A lock or a
queue that only its maker has touched is private (``asyncio.as_completed`` makes such a queue). The
first one that somebody else touches is told to the search, which starts again and then takes
every one for shared: its maker's earlier steps had been taken for private.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Iterator
from typing import Any

from properties.simulation import active, footprints

_MAKER = "_simulation_maker"
_LOCK_METHODS: tuple[tuple[type[Any], tuple[str, ...]], ...] = (
    (asyncio.Lock, ("acquire", "release", "locked")),
    (asyncio.Semaphore, ("acquire", "release", "locked")),
    (asyncio.Condition, ("wait", "notify")),
    (asyncio.Queue, ("get", "put", "get_nowait", "put_nowait", "task_done", "join", "qsize")),
)


def _touching(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def method(primitive: Any, *positional: Any, **named: Any) -> Any:
        simulation = active.running()
        if simulation is not None and simulation.is_tracking:
            simulation.touches_lock(vars(primitive).get(_MAKER))
        return original(primitive, *positional, **named)

    return method


def _made(original: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(original)
    def method(primitive: Any, *positional: Any, **named: Any) -> None:
        simulation = active.running()
        if simulation is not None:
            vars(primitive)[_MAKER] = simulation.actor_now()
        original(primitive, *positional, **named)

    return method


def _looking(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def method(*positional: Any, **named: Any) -> Any:
        simulation = active.running()
        if simulation is not None and simulation.is_tracking:
            simulation.touched_write |= footprints.EVENTS
        return original(*positional, **named)

    return method


def _setting(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def method(event: Any) -> Any:
        simulation = active.running()
        if simulation is not None and simulation.is_tracking:
            if event._waiters:
                simulation.touched_write |= footprints.EVENTS
            simulation.touched_read |= footprints.EVENTS
        return original(event)

    return method


def replacements() -> Iterator[tuple[object, str, object]]:
    """Yield (class, method name, replacement)."""
    for kind, names in _LOCK_METHODS:
        yield kind, "__init__", _made(kind.__init__)
        for name in names:
            if name in vars(kind):
                yield kind, name, _touching(vars(kind)[name])
    for name in ("wait", "is_set"):
        yield asyncio.Event, name, _looking(vars(asyncio.Event)[name])
    for name in ("set", "clear"):
        yield asyncio.Event, name, _setting(vars(asyncio.Event)[name])
