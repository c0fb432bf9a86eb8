"""SIGKILL of a real worker process before each of its file operations, until none is left.

The operating system lives on, so nothing written is lost: every acknowledged transition is there,
and at most the one under way besides. The parent believes the pipe, not the worker.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext, ForkServerProcess

from properties.crashes.judging import breaches, heard
from properties.crashes.killed import Message, live
from properties.crashes.modes import Mode
from properties.crashes.recording import Promise, Told
from properties.crashes.reopening import reopen
from properties.crashes.workload import DATABASE
from properties.scratch import scratch_folder

WORKER_TIMEOUT_S = 60
AT_ONCE = 2


class WorkerError(Exception):
    """A worker ended in a way that nobody asked for; nothing was judged."""


@dataclass(slots=True)
class KillFindings:
    """``operation_count`` is N: what a whole life makes. ``wrong`` says what broke, by N."""

    operation_count: int = 0
    kill_count: int = 0
    acknowledged_count: int = 0
    wrong: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Life:
    told: list[Told]
    operation_count: int | None
    broken: list[str]


def kill_at_every_operation(
    mode: Mode,
    *,
    file_count: int,
    stride: int,
    progress: Callable[[KillFindings], None] = lambda _findings: None,
) -> KillFindings:
    """Kill workers before every ``stride``-th operation. Raises ``WorkerError``."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["properties.crashes.killed"])
    (whole,) = _lives(context, [0], mode, file_count)
    if whole.operation_count is None:
        raise WorkerError("the worker that was not to be killed did not end.")
    count = whole.operation_count
    findings = KillFindings(operation_count=count, wrong=list(whole.broken))
    points = [*range(1, count + 1, stride), count + 1]

    for batch in _batches(points):
        for nth, life in zip(batch, _lives(context, batch, mode, file_count), strict=True):
            killed = life.operation_count is None
            if killed != (nth <= count):
                raise WorkerError(f"operation {nth} of {count}: killed is {killed}.")
            findings.kill_count += killed
            findings.acknowledged_count += sum(
                each.promise is Promise.ACKNOWLEDGED for each in life.told
            )
            findings.wrong += [f"killed before operation {nth}: {what}" for what in life.broken]
            progress(findings)
    return findings


def _batches(points: list[int]) -> Iterator[list[int]]:
    for begin in range(0, len(points), AT_ONCE):
        yield points[begin : begin + AT_ONCE]


def _lives(
    context: ForkServerContext, points: Sequence[int], mode: Mode, file_count: int
) -> list[_Life]:
    # Side by side, but started and awaited by one thread: Process.start() asks every other process
    # whether it has ended, and of two threads that read one answer the second gets code 255.
    with contextlib.ExitStack() as folders:
        workers = []
        for nth in points:
            folder = folders.enter_context(scratch_folder())
            ours, theirs = context.Pipe(duplex=False)
            worker = context.Process(target=live, args=(folder, nth, mode, file_count, theirs))
            worker.start()
            theirs.close()
            workers.append((nth, folder, worker, ours))
        try:
            return [_life(*each, mode) for each in workers]
        finally:
            for _, _, worker, ours in workers:
                ours.close()
                worker.kill()
                worker.join()


def _life(nth: int, folder: str, worker: ForkServerProcess, ours: Connection, mode: Mode) -> _Life:
    messages: list[Message] = []
    try:
        while ours.poll(WORKER_TIMEOUT_S):
            messages.append(ours.recv())
    except EOFError:
        worker.join()
    else:
        raise WorkerError(f"the worker of operation {nth} fell silent.")
    done = [int(text) for word, text, _ in messages if word == "DONE"]
    if worker.exitcode != (0 if done else -signal.SIGKILL):
        raise WorkerError(f"the worker of operation {nth} ended with code {worker.exitcode}.")
    told = [
        Told(promise=Promise[word], key=key, row=row)
        for word, key, row in messages
        if word != "DONE"
    ]
    subject = mode.make()
    recovered = reopen(folder, DATABASE, subject.layout)
    found = breaches(recovered, frozenset({recovered}), heard(told), subject.lifecycle)
    broken = [f"{each.breach.value}: {each.found}" for each in found]
    return _Life(told, done[0] if done else None, broken)
