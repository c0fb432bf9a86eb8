"""A worker that tells what it was told, and kills itself before its Nth file operation."""

from __future__ import annotations

import asyncio
import os
import signal
from multiprocessing.connection import Connection

from properties.crashes.modes import Mode
from properties.crashes.recording import Promise
from properties.crashes.workload import Disturbed, Workload, perform
from properties.faults.operations import Operation
from properties.faults.vfs import Shim

Message = tuple[str, str, tuple[str, str, int] | None]


def live(folder: str, nth: int, mode: Mode, file_count: int, told: Connection) -> None:
    """Run the workload; send each promise when the caller hears it, at last the operation count.

    What was sent is in the pipe and outlives the process.
    """

    def plan(operation: Operation) -> None:
        if operation.index == nth:
            os.kill(os.getpid(), signal.SIGKILL)

    def tell(promise: Promise, key: str, row: tuple[str, str, int] | None) -> None:
        told.send((promise.name, key, row))

    workload = Workload(file_count=file_count, life_count=1)
    with Shim(folder, plan=plan) as shim:
        asyncio.run(perform(mode, folder, workload, tell, Disturbed()))
    told.send(("DONE", str(shim.operation_count), None))
