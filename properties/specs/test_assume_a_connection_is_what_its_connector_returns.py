"""We assume: ``aiosqlite.Connection`` calls its connector once, in its own thread, and closes that.

What a connector returns is the connection, whatever it is, and the thread ends when that is closed:
so a connector may do all there is to do, and return something that has nothing left to close.
"""

import asyncio
import threading
from typing import Any

import aiosqlite

from properties.probes import ThreadProbe

LEANS_ON = "fsmcore/connections/per_transition.py: _Connector.__call__"


class Connector:
    """Returns itself, and notes who calls what."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, int]] = []

    def __call__(self) -> Any:
        self.seen.append(("connect", threading.get_ident()))
        return self

    def close(self) -> None:
        self.seen.append(("close", threading.get_ident()))


async def _use(connector: Connector, *, stops: bool) -> None:
    connection: Any = await aiosqlite.Connection(connector, 64)
    if stops and hasattr(connection, "stop"):  # from 0.22.1 on
        await connection.stop()
    else:
        await connection.close()


def test_its_thread_calls_it_and_ends() -> None:
    """Whether it is closed or, where that can be asked for, only stopped."""
    probe = ThreadProbe()
    for stops in (False, True):
        connector = Connector()
        asyncio.run(_use(connector, stops=stops))
        (connected, thread), *closed = connector.seen
        assert "connect" == connected
        assert threading.get_ident() != thread
        assert {("close", thread)} == set(closed)
        assert [] == probe.findings(0)
