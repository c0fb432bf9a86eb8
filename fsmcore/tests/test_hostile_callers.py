"""Sinks that raise, machines that forget, interrupts from the keyboard, policies that cannot be."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fsmcore import (
    AfterCommitError,
    DefinitionError,
    EventRecord,
    FsmCoreError,
    GuardRejectedError,
    HandRolledAdapter,
    JsonLinesSink,
    MachineContractError,
    MachineFactory,
    Outcome,
    PerTransition,
    RetryPolicy,
    StaleTransitionError,
    Store,
)
from fsmcore.tests.support import (
    KEY,
    NO_WAITING,
    Connections,
    can_be_written,
    journal_count,
    opened,
    query,
    records,
    state,
)


class BrokenSink:
    """Counts, and raises."""

    def __init__(self) -> None:
        self.records: list[EventRecord] = []

    def record(self, record: EventRecord) -> None:
        self.records.append(record)
        raise OSError("no room for the record")


async def test_a_sink_that_raises_does_not_hide_a_commit(
    path: Path, machine: MachineFactory
) -> None:
    """The row has moved: the caller hears that, with the sink's error as the cause, once."""
    sink = BrokenSink()
    async with opened(path, machine=machine, events=sink) as manager:
        with pytest.raises(AfterCommitError) as caught:
            await manager.transition(KEY, "start_upload")
    assert "no room for the record" == str(caught.value.__cause__)
    assert [Outcome.SUCCESS] == [record.outcome for record in sink.records]
    assert ("uploading", 1) == state(path)


async def test_a_sink_that_raises_does_not_hide_a_refusal(
    path: Path, machine: MachineFactory
) -> None:
    """The refusal reaches the caller, and the sink's error is a note on it."""
    sink = BrokenSink()
    guards = {"start_upload": lambda _row, _edge: False}
    async with opened(path, machine=machine, events=sink, guards=guards) as manager:
        with pytest.raises(GuardRejectedError) as caught:
            await manager.transition(KEY, "start_upload")
    assert caught.value.__notes__ == [
        "The event sink failed too: OSError('no room for the record')"
    ]
    assert [Outcome.REJECTED] == [record.outcome for record in sink.records]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
async def test_a_full_disk_under_the_event_log_is_told(path: Path) -> None:
    """A record that was not written whole raises."""
    with JsonLinesSink("/dev/full") as sink:
        async with opened(path, events=sink) as manager:
            with pytest.raises(AfterCommitError) as caught:
                await manager.transition(KEY, "start_upload")
    assert isinstance(caught.value.__cause__, OSError)


class Forgetful(HandRolledAdapter):
    """Takes an event and forgets to enter."""

    async def trigger(self, event: str) -> None:
        """Do nothing."""


class Twice(HandRolledAdapter):
    """Takes each event twice."""

    async def trigger(self, event: str) -> None:
        """Take the event, and take it again from where it began."""
        state = self.current_state
        await super().trigger(event)
        self._state = state
        await super().trigger(event)


async def test_a_machine_that_does_not_enter_is_found_out(path: Path) -> None:
    """Without a write there is no success, whatever the machine says."""
    async with opened(path, machine=Forgetful) as manager:
        with pytest.raises(MachineContractError, match="nothing was written"):
            await manager.transition(KEY, "start_upload")
        (record,) = records(manager)
    assert Outcome.FAILED is record.outcome
    assert ("untracked", 0) == state(path)


class Swallowing(HandRolledAdapter):
    """Takes an event and keeps every error to itself."""

    async def trigger(self, event: str) -> None:
        """Take the event; whatever happens, say nothing."""
        with contextlib.suppress(Exception):
            await super().trigger(event)


async def test_a_machine_that_swallows_an_unknown_outcome_is_found_out(
    path: Path, native: Connections
) -> None:
    """Had COMMIT been sent, *nothing was written* would be a guess; the record says unknown."""
    deny = {(sqlite3.SQLITE_TRANSACTION, "COMMIT")}
    async with opened(path, machine=Swallowing) as manager:
        with native.prepared(
            lambda c: c.set_authorizer(lambda action, first, *_: int((action, first) in deny))
        ):
            with pytest.raises(MachineContractError, match="it may have been written"):
                await manager.transition(KEY, "start_upload")
        (record,) = records(manager)
    assert Outcome.UNKNOWN is record.outcome


async def test_a_machine_that_enters_twice_writes_once(path: Path) -> None:
    """The second write of one attempt is refused, and the first one stands."""
    async with opened(path, machine=Twice) as manager:
        with pytest.raises(AfterCommitError):
            await manager.transition(KEY, "start_upload")
    assert ("uploading", 1) == state(path)
    assert 1 == journal_count(path)


KEYBOARD = """
import asyncio, sys
from pathlib import Path
from fsmcore import *
from fsmcore.tests.support import ADAPTERS, KEY, opened

def interrupt(row, edge):
    raise KeyboardInterrupt

async def main():
    machine = ADAPTERS[sys.argv[2]]
    async with opened(Path(sys.argv[1]), machine=machine, before_commit=interrupt) as m:
        await m.transition(KEY, "start_upload")

try:
    asyncio.run(main())
except KeyboardInterrupt:
    print("interrupted")
"""


@pytest.mark.parametrize("name", ["handrolled", "statemachine"])
def test_an_interrupt_from_the_keyboard_ends_the_process(path: Path, name: str) -> None:
    """KeyboardInterrupt inside a callback: the process ends, and the row is where it was."""
    root = Path(__file__).parent.parent.parent
    done = subprocess.run(
        [sys.executable, "-c", KEYBOARD, str(path), name],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        cwd=root,
    )
    assert (0, "interrupted\n") == (done.returncode, done.stdout), done.stderr
    assert ("untracked", 0) == state(path)
    assert can_be_written(path)


async def test_the_last_stale_try_is_told(path: Path) -> None:
    """An outsider who always wins leaves the attempt stale after the last try."""

    def overtake(row: object, edge: object) -> bool:
        query(path, "UPDATE files SET version = version + 1")
        return True

    guards = {"start_upload": overtake}
    async with opened(path, guards=guards, retry=NO_WAITING) as manager:
        with pytest.raises(StaleTransitionError) as caught:
            await manager.transition(KEY, "start_upload")
        (record,) = records(manager)
    assert Outcome.STALE is record.outcome
    assert ["Gave up after 3 tries."] == caught.value.__notes__
    assert ("untracked", 2, "untracked", 3) == (
        caught.value.expected_state,
        caught.value.expected_version,
        caught.value.found_state,
        caught.value.found_version,
    )


async def test_a_row_that_is_deleted_meanwhile_is_gone(path: Path) -> None:
    """A stale write finds no row at all, and says so."""

    def delete(row: object, edge: object) -> bool:
        query(path, "DELETE FROM files")
        return True

    async with opened(path, guards={"start_upload": delete}) as manager:
        with pytest.raises(StaleTransitionError, match="the row is gone"):
            await manager.transition(KEY, "start_upload", expected_version=0)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"max_tries": 0}, "max_tries is 0; one try is the least"),
        ({"base_ms": -1}, "0 <= base_ms <= cap_ms must hold"),
        ({"base_ms": 5, "cap_ms": 4}, "0 <= base_ms <= cap_ms must hold"),
        ({"cap_ms": float("nan")}, "0 <= base_ms <= cap_ms must hold"),
    ],
)
def test_a_policy_that_cannot_be_meant_is_refused(options: dict[str, Any], words: str) -> None:
    """A policy is checked when it is made."""
    with pytest.raises(DefinitionError) as caught:
        RetryPolicy(**options)
    assert words in str(caught.value)


def test_waits_grow_to_a_cap() -> None:
    """The upper end doubles from 2 ms to 500 ms, and 20 tries wait 6.01 s at most."""
    policy = RetryPolicy()
    waits = [policy.longest_wait_ms(tries) for tries in range(1, 20)]
    assert [2, 4, 8, 16, 32, 64, 128, 256, 500, 500] == waits[:10]
    assert 6010 == sum(waits)
    assert 500 == policy.longest_wait_ms(10_000)


async def test_a_wait_is_drawn_from_zero_told_and_then_slept() -> None:
    """From 0 to the upper end of that try, in milliseconds; asleep in seconds."""
    said: list[tuple[object, ...]] = []

    def draw(low: float, high: float) -> float:
        said.append(("drawn", low, high))
        return 3.0

    async def sleep(wait_s: float) -> None:
        said.append(("slept", wait_s))

    policy = RetryPolicy(
        jitter=draw,
        sleep=sleep,
        on_retry=lambda error, tries, wait_ms: said.append(("told", error, tries, wait_ms)),
    )
    busy = FsmCoreError("busy")
    await policy.wait(busy, 2)
    assert [("drawn", 0.0, 4.0), ("told", busy, 2, 3.0), ("slept", 0.003)] == said


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"synchronous": "FULL"}, "synchronous is 'FULL'; give Synchronous.FULL"),
        ({"busy_timeout_ms": -1}, "busy_timeout_ms is -1; 0 is the least"),
    ],
)
def test_connections_that_cannot_be_meant_are_refused(options: dict[str, Any], words: str) -> None:
    """Options are checked before a file is touched."""
    with pytest.raises(DefinitionError) as caught:
        PerTransition(**options)
    assert words in str(caught.value)


async def test_a_store_takes_any_path(path: Path) -> None:
    """A str, a Path and bytes name the same file."""
    async with opened(path):
        pass
    for name in (path, str(path), str(path).encode()):
        async with Store(name) as store:  # type: ignore[arg-type]
            assert 0 == (await store.read(KEY)).version
            assert "files.db" == store.name


async def test_many_stores_may_be_open_in_one_loop(tmp_path: Path) -> None:
    """Stores share nothing: thirty of them work side by side."""

    async def one(number: int) -> int:
        async with opened(tmp_path / f"{number}.db") as manager:
            return (await manager.transition(KEY, "start_upload")).version

    assert [1] * 30 == await asyncio.gather(*(one(number) for number in range(30)))
