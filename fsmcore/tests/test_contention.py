"""Many attempts at once: the version check lets one through, whoever else helps."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import fsmcore
from fsmcore import (
    FileLockManager,
    FileTransitionManager,
    GuardRejectedError,
    MachineFactory,
    NoFileLocks,
    Outcome,
    PerTransition,
    StaleTransitionError,
    Store,
    TransitionNotAllowedError,
    TransitionResult,
)
from fsmcore.tests.support import ADAPTERS, KEY, journal_count, opened, records, state

LOST = (StaleTransitionError, GuardRejectedError, TransitionNotAllowedError)
WORKER = """
import asyncio, json, sys
from fsmcore import *
from fsmcore.tests.support import ADAPTERS, KEY

async def main(path, machine, locked):
    async with Store(path, connections=PerTransition(fair_writer_lock=locked)) as store:
        locks = FileLockManager() if locked else NoFileLocks()
        manager = FileTransitionManager(store, machine=ADAPTERS[machine], locks=locks)
        print("ready", flush=True)
        sys.stdin.readline()
        tasks = [manager.transition(KEY, "start_upload") for _ in range(5)]
        answers = await asyncio.gather(*tasks, return_exceptions=True)
        print(json.dumps([type(answer).__name__ for answer in answers]), flush=True)

asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3] == "True"))
"""


@pytest.mark.parametrize("fair_writer_lock", [True, False])
@pytest.mark.parametrize("locks", [FileLockManager, NoFileLocks])
@pytest.mark.parametrize("expected_version", [None, 0])
async def test_ten_attempts_on_one_file_are_one_success_and_nine_refusals(
    path: Path,
    machine: MachineFactory,
    locks: type[FileLockManager | NoFileLocks],
    fair_writer_lock: bool,
    expected_version: int | None,
) -> None:
    """With the in-process locks and without: one row moved once, and nobody crashed."""
    connections = PerTransition(fair_writer_lock=fair_writer_lock)
    async with opened(path, machine=machine, locks=locks(), connections=connections) as manager:
        answers = await asyncio.gather(
            *(
                manager.transition(KEY, "start_upload", expected_version=expected_version)
                for _ in range(10)
            ),
            return_exceptions=True,
        )
        outcomes = Counter(record.outcome for record in records(manager))
    won = [answer for answer in answers if isinstance(answer, TransitionResult)]
    lost = [answer for answer in answers if isinstance(answer, LOST)]
    assert (1, 9) == (len(won), len(lost)), answers
    assert ("uploading", 1) == state(path)
    assert 1 == journal_count(path)
    assert 10 == outcomes.total()
    assert 1 == outcomes[Outcome.SUCCESS]
    assert 9 == outcomes[Outcome.NOT_ALLOWED] + outcomes[Outcome.STALE]


@pytest.mark.parametrize("locks", [FileLockManager, NoFileLocks])
async def test_ten_files_are_ten_successes(
    path: Path, machine: MachineFactory, locks: type[FileLockManager | NoFileLocks]
) -> None:
    """Attempts on different files do not disturb each other."""
    names = tuple(f"{number}.txt" for number in range(10))
    async with opened(path, machine=machine, locks=locks(), files=names) as manager:
        results = await asyncio.gather(*(manager.transition(n, "start_upload") for n in names))
    assert names == tuple(result.file_path for result in results)
    assert [("uploading", 1)] * 10 == [state(path, name) for name in names]
    assert 10 == journal_count(path)


@pytest.mark.parametrize("locked", [True, False])
def test_two_processes_share_one_success(path: Path, machine: MachineFactory, locked: bool) -> None:
    """Ten attempts, five in each of two processes let go together: one success, no crash."""
    name = next(name for name, made in ADAPTERS.items() if made is machine)

    async def make() -> None:
        async with opened(path):
            pass

    asyncio.run(make())
    root = Path(fsmcore.__file__).parent.parent
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, str(path), name, str(locked)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(root)},
        )
        for _ in range(2)
    ]
    try:
        for worker in workers:
            assert worker.stdout is not None
            assert "ready\n" == worker.stdout.readline()
        answers: list[str] = []
        for worker in workers:
            assert worker.stdin is not None
            worker.stdin.write("go\n")
            worker.stdin.flush()
        for worker in workers:
            out, _ = worker.communicate(timeout=60)
            answers.extend(json.loads(out))
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
    counts = Counter(answers)
    refused = {kind.__name__ for kind in LOST}
    assert 1 == counts["TransitionResult"], counts
    assert 9 == sum(count for kind, count in counts.items() if kind in refused), counts
    assert ("uploading", 1) == state(path)
    assert 1 == journal_count(path)


async def test_stores_of_one_process_share_a_file(path: Path, machine: MachineFactory) -> None:
    """Two stores on one file know nothing of each other's locks, and still share one success."""
    async with opened(path, machine=machine) as first, Store(path) as store:
        second = FileTransitionManager(store, machine=machine)
        answers: list[Any] = await asyncio.gather(
            *(manager.transition(KEY, "start_upload") for manager in (first, second) * 5),
            return_exceptions=True,
        )
    assert 1 == sum(isinstance(answer, TransitionResult) for answer in answers)
    assert 9 == sum(isinstance(answer, LOST) for answer in answers)
    assert ("uploading", 1) == state(path)


async def test_a_file_lock_is_forgotten_when_nobody_needs_it(
    path: Path, machine: MachineFactory
) -> None:
    """While ten attempts wait for one file there is one lock, and after them none."""
    seen: list[int] = []
    locks = FileLockManager()
    async with opened(
        path, machine=machine, locks=locks, before_commit=lambda _r, _e: seen.append(len(locks))
    ) as manager:
        await asyncio.gather(
            *(manager.transition(KEY, "start_upload") for _ in range(10)), return_exceptions=True
        )
    assert [1] == seen
    assert 0 == len(locks)


async def test_waiters_of_a_file_lock_come_in_order_and_may_be_cancelled() -> None:
    """First come first served; a cancelled waiter is skipped and not counted."""
    locks, order = FileLockManager(), list[int]()

    async def wait(number: int) -> None:
        async with locks.holding("a"):
            order.append(number)
            await asyncio.sleep(0)

    tasks = [asyncio.create_task(wait(number)) for number in range(4)]
    await asyncio.sleep(0)
    assert 1 == len(locks)
    tasks[1].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert [0, 2, 3] == order
    assert 0 == len(locks)
