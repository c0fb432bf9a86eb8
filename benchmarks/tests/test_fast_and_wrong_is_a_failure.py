"""A subject that is fast because it does less than it should leaves no figure.

Each broken subject wraps the real connection model, whose seam is public, and changes one thing.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import pytest

from benchmarks.closed_loop import ClosedLoop
from benchmarks.ledger import Moved
from benchmarks.subjects import StoreOnly
from benchmarks.tests.recorders import PretendedRecorder
from benchmarks.workload import Workload, WrongResultError, measure
from benchmarks.workloads.bare_machine import BareMachine
from fsmcore import Edge, HandRolledAdapter, PerTransition, StoreBusyError, Synchronous
from fsmcore.connections import CommitFate, Receipt, Row, Session, Write
from fsmcore.lifecycle import Lifecycle
from fsmcore.protocol import AskGuard, Enter


class ChangedWrites:
    """A session that hands on other writes than it was given."""

    def __init__(self, inner: Session, change: Callable[[Write], Write | None]) -> None:
        self._inner = inner
        self._change = change

    async def fetch(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        return await self._inner.fetch(sql, parameters)

    async def fetch_exclusively(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        return await self._inner.fetch_exclusively(sql, parameters)

    async def commit(self, writes: Sequence[Write], receipt: Receipt) -> None:
        changed = [made for each in writes if (made := self._change(each)) is not None]
        if changed:
            await self._inner.commit(changed, receipt)
        receipt.fate = CommitFate.COMMITTED


class Careless(PerTransition):
    """The default model with something left out."""

    def __init__(self, change: Callable[[Write], Write | None]) -> None:
        super().__init__(synchronous=Synchronous.NORMAL)
        self._change = change

    @contextlib.asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        async with super().session() as inner:
            yield ChangedWrites(inner, self._change)


def sound(write: Write) -> Write:
    """Change nothing."""
    return write


def skips_the_journal(write: Write) -> Write | None:
    """Leave out what would tell who moved the row."""
    return None if "INSERT" in write.sql else write


def checks_no_version(write: Write) -> Write:
    """Let a stale writer win, and hide it from the journal's unique index."""
    if "INSERT" in write.sql:
        sql = write.sql.replace("INSERT INTO", "INSERT OR REPLACE INTO")
        return write._replace(sql=sql, row_count=1)
    where = write.sql.index(" AND ")
    return write._replace(sql=write.sql[:where], parameters=write.parameters[:-2])


def writes_nothing(_write: Write) -> None:
    """Acknowledge without a transaction."""


class Forgetful(HandRolledAdapter):
    """A machine that takes every event and enters only when nobody would mind."""

    def __init__(
        self, lifecycle: Lifecycle, *, file_path: str, state: str, ask_guard: AskGuard, enter: Enter
    ) -> None:
        async def not_always(edge: Edge) -> None:
            if edge.target != lifecycle.initial:
                await enter(edge)

        super().__init__(
            lifecycle, file_path=file_path, state=state, ask_guard=ask_guard, enter=not_always
        )


def racing(change: Callable[[Write], Write | None]) -> ClosedLoop:
    """Four tasks on one file."""
    return ClosedLoop(
        StoreOnly(lambda _level: Careless(change)), transitions_per_round=12, task_count=4
    )


def measured(workload: Workload, folder: Path) -> PretendedRecorder:
    """Measure two rounds, or fail as the workload does."""
    recorder = PretendedRecorder()
    try:
        measure(
            recorder,
            workload,
            name="subject",
            folder=folder,
            synchronous=Synchronous.NORMAL,
            rounds=2,
            warmup_rounds=1,
        )
    except WrongResultError:
        assert recorder.has_error, "pytest-benchmark records what is not marked as an error"
        raise
    return recorder


def test_a_sound_subject_is_recorded_with_every_commit_counted(tmp_path: Path) -> None:
    """Warm-up and both rounds are in the file, so all three count."""
    recorder = measured(racing(sound), tmp_path)
    assert (False, 36) == (recorder.has_error, recorder.extra_info["committed_count"])


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        (skips_the_journal, "without a journal entry"),
        (checks_no_version, "every_history_is_unbroken"),
        (writes_nothing, "36 transitions acknowledged, 0 in the journal"),
    ],
)
def test_a_careless_store_is_not_recorded(
    change: Callable[[Write], Write | None], finding: str, tmp_path: Path
) -> None:
    """The audit or the counts find what each one left out."""
    with pytest.raises(WrongResultError, match=finding):
        measured(racing(change), tmp_path)


def test_a_machine_that_forgets_to_enter_is_not_recorded(tmp_path: Path) -> None:
    """Without a database, what was entered is counted against what was asked for."""
    with pytest.raises(WrongResultError, match=r"transitions asked for, \d+ entered"):
        measured(BareMachine(Forgetful, transitions_per_round=7), tmp_path)


class Impatient(StoreOnly):
    """A store in front of which every third attempt gives up at once."""

    _attempt_count = 0

    async def transition(self, key: str, attempt_id: str) -> Moved:
        self._attempt_count += 1
        if self._attempt_count % 3 == 0:
            raise StoreBusyError("planted: busy for good")
        return await super().transition(key, attempt_id)


def test_attempts_that_gave_up_are_no_transitions(tmp_path: Path) -> None:
    """They end sooner than a transition, so that a store that gives up would look fast."""
    with pytest.raises(WrongResultError, match="8 attempts gave up, and were timed as if not"):
        measured(ClosedLoop(Impatient(), transitions_per_round=12), tmp_path)


def test_where_giving_up_is_the_question_its_share_is_taken_out(tmp_path: Path) -> None:
    """Under contention a third that gave up makes the throughput a third smaller."""
    loop = ClosedLoop(Impatient(), transitions_per_round=12, may_give_up=True)
    info = measured(loop, tmp_path).extra_info
    assert (8, 2 / 3) == (info["gave_up_count"], info["committed_share"])


def test_a_wrong_raw_loop_beside_a_sound_subject_is_not_recorded(tmp_path: Path) -> None:
    """A share of a limit that was not reached honestly is no share."""
    with pytest.raises(WrongResultError, match="0 in the journal"):
        measure(
            PretendedRecorder(),
            racing(sound),
            name="subject",
            folder=tmp_path,
            synchronous=Synchronous.NORMAL,
            rounds=1,
            warmup_rounds=0,
            beside=racing(writes_nothing),
        )
