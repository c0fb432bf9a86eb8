"""Minutes take milliseconds, and whoever leaves the simulation is caught and named."""

from __future__ import annotations

import _thread
import asyncio
import inspect
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from properties.simulation.budget import Budget
from properties.simulation.run import Run
from properties.simulation.schedulers.polite import PoliteScheduler
from properties.simulation.seam import UnknownAiosqliteError, require_known_version
from properties.simulation.simulation import Simulation


def run(main: Callable[[], object], budget: Budget | None = None) -> Run[object]:
    """Run a coroutine function politely in a simulation of its own."""
    with Simulation() as simulation:
        return simulation.run(main, PoliteScheduler(), budget or Budget())  # type: ignore[arg-type]


def test_an_hour_of_sleep_takes_no_time() -> None:
    """The clock moves when nothing else can happen, and every clock of Python follows."""

    async def main() -> tuple[float, float, float]:
        loop_s, wall_s, monotonic_s = (
            asyncio.get_running_loop().time(),
            time.time(),
            time.monotonic(),
        )
        await asyncio.sleep(3600)
        return (
            asyncio.get_running_loop().time() - loop_s,
            time.time() - wall_s,
            time.monotonic() - monotonic_s,
        )

    started_s = time.perf_counter()
    assert (3600.0, 3600.0, 3600.0) == run(main).value
    assert time.perf_counter() - started_s < 1


def test_outside_of_a_run_the_clocks_are_the_real_ones() -> None:
    """A patch that is open and idle changes nothing."""
    with Simulation():
        assert abs(time.time() - datetime.now(UTC).timestamp()) < 5
    assert time.time.__module__ == "time"


ESCAPES: dict[str, Callable[[], object]] = {
    "time.sleep": lambda: time.sleep(0.001),
    "socket.__new__": lambda: socket.socket(),
    "subprocess.Popen": lambda: subprocess.run([sys.executable, "--version"], check=False),
    "thread": lambda: threading.Thread(target=print).start(),
    "sqlite3.connect": lambda: sqlite3.connect(":memory:"),
    "executor": lambda: asyncio.get_running_loop().run_in_executor(None, print),
    "executor: a thread for a call": lambda: asyncio.to_thread(print),
    "socket.__new__: a stream": lambda: asyncio.open_connection("127.0.0.1", 1),
    "socket.getaddrinfo": lambda: socket.getaddrinfo("localhost", 80),
    "subprocess.Popen: asyncio's": lambda: asyncio.create_subprocess_exec(sys.executable),
    "subprocess.Popen: asyncio's shell": lambda: asyncio.create_subprocess_shell("true"),
    "os.system": lambda: os.system("true"),  # noqa: S605, S607
    "os.posix_spawn": lambda: os.posix_spawn("/bin/true", ["true"], {}),
    "os.fork": lambda: os.fork(),
    "thread: a bare one": lambda: _thread.start_new_thread(print, ()),
    "thread: a pool's": lambda: ThreadPoolExecutor().submit(print),
    "selector": lambda: asyncio.get_running_loop().add_reader(0, print),
    "signal": lambda: asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, print),
    "real clock": lambda: time.clock_gettime(time.CLOCK_REALTIME),
    "real clock: of the process": lambda: time.process_time(),
}


@pytest.mark.parametrize("way", ESCAPES)
def test_a_way_out_is_caught_and_named(way: str) -> None:
    """Even when the code under test swallows the error, the run remembers it."""

    async def main() -> str:
        try:
            made = ESCAPES[way]()
            if inspect.isawaitable(made):
                await made
        except BaseException:  # noqa: BLE001 - what careless code does
            return "swallowed"
        return "nobody noticed"

    found = run(main)
    assert [way.partition(":")[0]] == [escape.way for escape in found.escapes]
    assert "swallowed" == found.value
    assert "test_time_is_virtual" in found.escapes[0].where


def test_whoever_waits_for_ever_is_named() -> None:
    """A run that cannot go on says who still waits."""

    async def main() -> None:
        await asyncio.get_running_loop().create_future()

    assert "main" in (run(main).stuck or "")


def test_a_run_without_an_end_is_ended() -> None:
    """A livelock is a finding, not a hang."""

    async def main() -> None:
        while True:
            await asyncio.sleep(1)

    assert "no end" in (run(main, Budget(step_limit=100)).stuck or "")


def test_an_aiosqlite_that_nobody_looked_at_is_refused() -> None:
    """The sentence says what to compare and where to add the version."""
    with pytest.raises(UnknownAiosqliteError, match=r"0\.23\.0.*seam\.py"):
        require_known_version("0.23.0")
    assert "0.17.3" == require_known_version("0.17.3")


def test_tasks_run_in_the_order_of_asyncio() -> None:
    """An order that FIFO forbids is never shown: this code is right under asyncio."""

    async def main() -> list[str]:
        seen: list[str] = []

        async def worker(name: str) -> None:
            seen.append(f"{name} begins")
            await asyncio.sleep(0)
            seen.append(f"{name} ends")

        await asyncio.gather(worker("a"), worker("b"))
        return seen

    assert ["a begins", "b begins", "a ends", "b ends"] == run(main).value
