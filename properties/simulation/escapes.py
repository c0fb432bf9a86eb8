"""Code that leaves the simulation is caught in the act and named.

What waits, or asks the outside world, by another way than the event loop or an aiosqlite worker
cannot be scheduled: its result would be luck. Each way out raises ``EscapeError`` where it is
taken, and the run remembers it even if the code under test swallows the error.
"""

from __future__ import annotations

import _thread
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from properties.simulation import active

_ADVICE = {
    "time.sleep": "a real sleep blocks the event loop; await asyncio.sleep, or inject the sleep",
    "socket.__new__": "a socket waits for the outside world; inject the connection",
    "socket.getaddrinfo": "a name look-up waits for the outside world; inject the answer",
    "subprocess.Popen": "a process runs in real time; inject the call",
    "os.system": "a process runs in real time; inject the call",
    "os.posix_spawn": "a process runs in real time; inject the call",
    "os.fork": "a fork takes half of the simulation with it; inject the call",
    "executor": "an executor's threads are not scheduled; inject the call, or await it",
    "thread": "a thread of one's own is not scheduled; only aiosqlite's workers are",
    "selector": "a descriptor is watched in the outside world; inject what it would bring",
    "signal": "a signal comes from the outside world; inject the call",
    "real clock": "this clock cannot be moved; use time.time or time.monotonic, or inject it",
    "foreign thread": "a thread that is not scheduled called into the loop",
    "sqlite3.connect": "a blocking database call on the event loop; go through aiosqlite",
}


class EscapeError(BaseException):
    """The code under test left the simulation. No ``except Exception`` may swallow it."""

    def __init__(self, way: str, where: str) -> None:
        self.way = way
        self.where = where
        super().__init__(f"{way} at {where}: {_ADVICE[way]}.")


def escaped(way: str) -> EscapeError:
    """Record an escape of the running simulation and return the error to raise."""
    error = EscapeError(way, _caller())
    simulation = active.running()
    if simulation is not None:
        simulation.escapes.append(error)
    return error


def _caller() -> str:
    """Name the innermost frame that is neither ours nor the standard library's, as file:line."""
    frame = sys._getframe(1)
    innermost = ""
    while frame is not None:
        path = frame.f_code.co_filename
        here = f"{'/'.join(path.split('/')[-2:])}:{frame.f_lineno}"
        if "/properties/simulation/" not in path:
            innermost = innermost or here
            if not path.startswith(_STDLIB) or "site-packages" in path:
                return here
        if frame.f_back is None:
            break
        frame = frame.f_back
    return innermost or "an unknown place"


_STDLIB = threading.__file__.rpartition("/")[0]


def _sleep(seconds: float) -> None:
    simulation = active.running()
    if simulation is not None and not simulation.is_paused:
        raise escaped("time.sleep")
    _real_sleep(seconds)


def _start(thread: threading.Thread) -> None:
    simulation = active.running()
    if simulation is not None and not simulation.is_paused:
        raise escaped("thread")
    _real_start(thread)


def _start_thread(*positional: Any, **named: Any) -> Any:
    simulation = active.running()
    if simulation is not None and not simulation.is_paused:
        raise escaped("thread")
    return _real_start_thread(*positional, **named)


def _real_clock(real: Callable[..., Any]) -> Callable[..., Any]:
    def read(*positional: Any) -> Any:
        simulation = active.running()
        if simulation is not None and not simulation.is_paused:
            raise escaped("real clock")
        return real(*positional)

    return read


_REAL_CLOCKS = tuple(
    name
    for name in (
        "clock_gettime",
        "clock_gettime_ns",
        "process_time",
        "process_time_ns",
        "thread_time",
        "thread_time_ns",
    )
    if hasattr(time, name)
)
_real_sleep = time.sleep
_real_start_thread = _thread.start_new_thread
_real_start: Callable[[threading.Thread], None] = threading.Thread.start


def replacements() -> Iterator[tuple[object, str, object]]:
    """Yield (owner, name, replacement) for the ways out that no audit event announces on 3.11."""
    for module in list(sys.modules.values()):
        names = getattr(module, "__dict__", None)
        if isinstance(names, dict) and module.__name__ != __name__:
            for name, value in list(names.items()):
                if value is _real_sleep:
                    yield module, name, _sleep
    yield threading.Thread, "start", _start
    yield _thread, "start_new_thread", _start_thread
    for name in _REAL_CLOCKS:
        yield time, name, _real_clock(getattr(time, name))


_watching = False


def watch() -> None:
    """Listen to the interpreter's audit events from now on (hooks cannot be removed)."""
    global _watching
    if not _watching:
        _watching = True
        sys.addaudithook(_on_event)


def _on_event(event: str, _arguments: tuple[Any, ...]) -> None:
    if event not in _ADVICE:
        return
    simulation = active.running()
    if simulation is None or simulation.is_paused:
        return
    if event == "sqlite3.connect" and simulation.is_in_worker:
        return
    if event == "time.sleep" or _thread.get_ident() != simulation.thread_id:
        return  # sleeping is caught above; what other threads do is their own affair
    raise escaped(event)
