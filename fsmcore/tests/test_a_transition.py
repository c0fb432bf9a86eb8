"""One transition from the caller's event to the row, on both adapters."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from fsmcore import (
    FILE_LIFECYCLE,
    AfterCommitError,
    DefinitionError,
    Edge,
    EventRecord,
    FileNotTrackedError,
    FileRow,
    FileTransitionManager,
    GuardRejectedError,
    InvalidKeyError,
    JsonLinesSink,
    Lifecycle,
    MachineFactory,
    Outcome,
    StaleTransitionError,
    Store,
    StoreBusyError,
    TransitionNotAllowedError,
    TransitionResult,
    UnknownEventError,
    UnknownStateError,
)
from fsmcore.tests.support import (
    KEY,
    NO_WAITING,
    journal_count,
    opened,
    query,
    records,
    state,
)

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


async def test_a_transition_moves_the_row_and_journals_it(
    path: Path, machine: MachineFactory
) -> None:
    """A success says what was written, and exactly that is in the file."""
    async with opened(path, machine=machine) as manager:
        result = await manager.transition(KEY, "start_upload", attempt_id="mine")
        (entry,) = await manager.store.journal()
    assert result == TransitionResult(
        attempt_id="mine",
        file_path=KEY,
        event="start_upload",
        from_state="untracked",
        to_state="uploading",
        version=1,
        tries=1,
    )
    assert ("uploading", 1) == state(path)
    assert ("mine", KEY, 1, "start_upload", "untracked", "uploading") == (
        entry.attempt_id,
        entry.file_path,
        entry.version,
        entry.event,
        entry.from_state,
        entry.to_state,
    )


async def test_a_file_goes_all_the_way(path: Path, machine: MachineFactory) -> None:
    """Three events lead from untracked to indexed, each on a machine of its own."""
    async with opened(path, machine=machine) as manager:
        for event in ("start_upload", "complete_upload", "complete_processing"):
            await manager.transition(KEY, event)
    assert ("indexed", 3) == state(path)
    assert 3 == journal_count(path)


async def test_every_edge_can_be_taken_and_no_other(path: Path, machine: MachineFactory) -> None:
    """Over every state and event, the machine allows what the lifecycle has and nothing else."""
    taken: list[Edge] = []
    refused: list[tuple[object, ...]] = []
    names = [f"{s}/{e}" for s in FILE_LIFECYCLE.states for e in FILE_LIFECYCLE.events]
    async with opened(path, machine=machine, files=tuple(names)) as manager:
        for source in FILE_LIFECYCLE.states:
            for event in FILE_LIFECYCLE.events:
                name = f"{source}/{event}"
                query(path, "UPDATE files SET gemini_state = ? WHERE file_path = ?", source, name)
                try:
                    result = await manager.transition(name, event)
                except TransitionNotAllowedError as error:
                    refused.append((error.file_path, *state(path, name), error.allowed))
                else:
                    taken.append(Edge(source, event, result.to_state))
    assert set(FILE_LIFECYCLE.edges) == set(taken)
    assert refused == [
        (f"{s}/{e}", s, 0, tuple(sorted(FILE_LIFECYCLE.allowed(s))))
        for s in FILE_LIFECYCLE.states
        for e in FILE_LIFECYCLE.events
        if FILE_LIFECYCLE.target(s, e) is None
    ]


async def test_an_async_guard_is_awaited(path: Path, machine: MachineFactory) -> None:
    """A guard that reads the database, and answers False after that, keeps the row in place."""

    async def never_in_untracked(row: FileRow, edge: Edge) -> bool:
        await asyncio.sleep(0)
        return (await manager.store.read(row.file_path)).state != edge.source

    guards = {"start_upload": never_in_untracked}
    async with opened(path, machine=machine, guards=guards) as manager:
        with pytest.raises(GuardRejectedError) as caught:
            await manager.transition(KEY, "start_upload")
        (record,) = records(manager)
    assert ("untracked", 0) == state(path)
    assert 0 == journal_count(path)
    assert (Outcome.REJECTED, False) == (record.outcome, record.guard_result)
    assert "untracked" == caught.value.state


async def test_an_async_guard_may_say_yes(path: Path, machine: MachineFactory) -> None:
    """A guard that answers True lets the row move, and the record says that it was asked."""

    async def in_untracked(row: FileRow, edge: Edge) -> bool:
        return (await manager.store.read(row.file_path)).state == edge.source

    async with opened(path, machine=machine, guards={"start_upload": in_untracked}) as manager:
        await manager.transition(KEY, "start_upload")
        (record,) = records(manager)
    assert ("uploading", 1) == state(path)
    assert record.guard_result is True


@pytest.mark.parametrize("answer", [True, False])
async def test_a_guard_may_be_a_plain_function(
    path: Path, machine: MachineFactory, answer: bool
) -> None:
    """A sync guard is asked once, with the row as read and the edge about to be taken."""
    asked: list[tuple[int, Edge]] = []

    def guard(row: FileRow, edge: Edge) -> bool:
        asked.append((row.version, edge))
        return answer

    async with opened(path, machine=machine, guards={"start_upload": guard}) as manager:
        if answer:
            await manager.transition(KEY, "start_upload")
        else:
            with pytest.raises(GuardRejectedError):
                await manager.transition(KEY, "start_upload")
    assert [(0, Edge("untracked", "start_upload", "uploading"))] == asked
    assert int(answer) == state(path)[1]


@pytest.mark.parametrize("answer", [None, 1, "yes", object()])
async def test_a_guard_answers_true_or_false(
    path: Path, machine: MachineFactory, answer: object
) -> None:
    """Any other answer is a definition error, and neither yes nor no."""
    guards: dict[str, Any] = {"start_upload": lambda _row, _edge: answer}
    async with opened(path, machine=machine, guards=guards) as manager:
        with pytest.raises(DefinitionError, match=f"answered {type(answer).__name__}; return True"):
            await manager.transition(KEY, "start_upload")
        (record,) = records(manager)
    assert ("untracked", 0) == state(path)
    assert (Outcome.FAILED, None) == (record.outcome, record.guard_result)


@pytest.mark.parametrize("place", ["guard", "before_commit"])
@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("the disk of the other system"),
        StoreBusyError("the other store is busy"),
        TransitionNotAllowedError("other.txt", "go", "here"),
        StaleTransitionError(
            "other.txt", expected_state="a", expected_version=1, found_state="b", found_version=2
        ),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_an_error_before_the_commit_reaches_the_caller_and_leaves_the_row(
    path: Path, machine: MachineFactory, place: str, error: Exception
) -> None:
    """Whatever a callback raises comes out unchanged, is not tried again, and nothing is written.

    A retryable error of ours is retryable for whoever met it, which was the callback.
    """
    calls: list[int] = []

    async def fails(row: FileRow, edge: Edge) -> bool:
        calls.append(row.version)
        raise error

    options: dict[str, Any] = (
        {"guards": {"start_upload": fails}} if place == "guard" else {"before_commit": fails}
    )
    async with opened(path, machine=machine, retry=NO_WAITING, **options) as manager:
        with pytest.raises(type(error)) as caught:
            await manager.transition(KEY, "start_upload")
        (record,) = records(manager)
    assert error is caught.value
    assert [0] == calls
    assert ("untracked", 0) == state(path)
    assert 0 == journal_count(path)
    assert (Outcome.FAILED, f"{type(error).__name__}: {error}") == (record.outcome, record.error)


@pytest.mark.parametrize("awaited", [True, False])
async def test_an_error_after_the_commit_says_that_the_row_has_advanced(
    path: Path, machine: MachineFactory, awaited: bool
) -> None:
    """The row has moved, the caller is told so, and the first error is the cause."""
    cause = StoreBusyError("a nested store was busy")
    seen: list[FileRow] = []

    async def fails_later(row: FileRow, edge: Edge) -> None:
        fails(row, edge)

    def fails(row: FileRow, edge: Edge) -> None:
        seen.append(row)
        raise cause

    callback = fails_later if awaited else fails
    async with opened(path, machine=machine, after_commit=callback) as manager:
        with pytest.raises(AfterCommitError) as caught:
            await manager.transition(KEY, "start_upload", attempt_id="mine")
        (record,) = records(manager)
    assert cause is caught.value.__cause__
    assert ("mine", KEY, "uploading", 1) == (
        caught.value.attempt_id,
        caught.value.file_path,
        caught.value.state,
        caught.value.version,
    )
    assert [("uploading", 1)] == [(row.state, row.version) for row in seen]
    assert ("uploading", 1) == state(path)
    assert Outcome.SUCCESS is record.outcome
    assert record.error == f"AfterCommitError: {caught.value}"


async def test_the_event_record_has_exactly_nine_fields(
    path: Path, machine: MachineFactory
) -> None:
    """A success and a refusal, each with every field and its value."""
    async with opened(
        path, machine=machine, now=lambda: NOON, guards={"start_upload": lambda _r, _e: True}
    ) as manager:
        await manager.transition(KEY, "start_upload")
        with pytest.raises(TransitionNotAllowedError) as caught:
            await manager.transition(KEY, "start_upload")
        success, refusal = records(manager)
    assert success == EventRecord(
        attempt_id="attempt-1",
        timestamp="2026-01-02T12:00:00+00:00",
        file_id=KEY,
        event="start_upload",
        from_state="untracked",
        to_state="uploading",
        guard_result=True,
        outcome=Outcome.SUCCESS,
        error=None,
    )
    assert json.loads(refusal.to_json()) == {
        "attempt_id": "attempt-2",
        "timestamp": "2026-01-02T12:00:00+00:00",
        "file_id": KEY,
        "event": "start_upload",
        "from_state": "uploading",
        "to_state": None,
        "guard_result": None,
        "outcome": "not_allowed",
        "error": f"TransitionNotAllowedError: {caught.value}",
    }


async def test_records_go_to_a_file_as_lines_of_json(
    path: Path, tmp_path: Path, machine: MachineFactory
) -> None:
    """Each attempt is one line, whatever its key holds, and a second sink appends."""
    log, key = tmp_path / "events.jsonl", 'a\n"b"\0\u2028é'
    for event in ("start_upload", "complete_upload"):
        with JsonLinesSink(log) as sink:
            files = (key,) if event == "start_upload" else ()
            async with opened(path, machine=machine, events=sink, files=files) as manager:
                await manager.transition(key, event, attempt_id=event)
    lines = [json.loads(line) for line in log.read_text(encoding="ascii").splitlines()]
    assert [(key, "success")] * 2 == [(line["file_id"], line["outcome"]) for line in lines]


async def test_an_unknown_event_suggests_the_nearest(path: Path, machine: MachineFactory) -> None:
    """A misspelt event is a definition error that names what was meant; nothing is read."""
    async with opened(path, machine=machine) as manager:
        with pytest.raises(UnknownEventError, match=r"Did you mean 'start_upload'\?"):
            await manager.transition(KEY, "start_uplaod")
        with pytest.raises(UnknownEventError, match="unknown event 5"):
            await manager.transition(KEY, 5)  # type: ignore[arg-type]
        first, second = records(manager)
    assert [Outcome.FAILED] * 2 == [first.outcome, second.outcome]
    assert None is first.from_state


async def test_an_unknown_event_in_the_guards_is_refused(path: Path) -> None:
    """A guard for an event that the lifecycle lacks would never be asked."""
    with pytest.raises(UnknownEventError, match=r"Did you mean 'fail_upload'\?"):
        async with opened(path, guards={"fail_uplod": lambda _r, _e: True}):
            pass


async def test_an_unknown_file_is_named(path: Path, machine: MachineFactory) -> None:
    """A key without a row is an error of its own."""
    async with opened(path, machine=machine) as manager:
        with pytest.raises(FileNotTrackedError, match=r"b\.txt: not tracked: no row has this key"):
            await manager.transition("b.txt", "start_upload")
        (record,) = records(manager)
    assert (Outcome.FAILED, None) == (record.outcome, record.from_state)


@pytest.mark.parametrize("found", ["lost", "", b"\xff"])
async def test_an_unknown_state_in_the_row_is_named(
    path: Path, machine: MachineFactory, found: object
) -> None:
    """A row in a state that the lifecycle lacks is left alone."""
    async with opened(path, machine=machine) as manager:
        query(path, "UPDATE files SET gemini_state = ?", found)
        with pytest.raises(UnknownStateError) as caught:
            await manager.transition(KEY, "start_upload")
    assert f"the row is in state {found!r}, which the lifecycle lacks" in str(caught.value)
    assert (found, 0) == state(path)


async def test_an_expected_version_is_held_to(path: Path, machine: MachineFactory) -> None:
    """With expected_version, a row at any other version is stale at once and for good."""
    waits: list[float] = []
    async with opened(path, machine=machine, retry=NO_WAITING) as manager:
        await manager.transition(KEY, "start_upload", expected_version=0)
        with pytest.raises(StaleTransitionError) as caught:
            await manager.transition(KEY, "complete_upload", expected_version=0)
        assert [] == waits
        record = records(manager)[-1]
    assert (0, "uploading", 1) == (
        caught.value.expected_version,
        caught.value.found_state,
        caught.value.found_version,
    )
    assert Outcome.STALE is record.outcome
    assert not getattr(caught.value, "__notes__", [])


async def test_errors_are_written_beside_the_state(path: Path, machine: MachineFactory) -> None:
    """What the caller says about a failure is in the row, and stays there until said anew."""
    async with opened(path, machine=machine) as manager:
        await manager.transition(KEY, "start_upload", last_error="E1", failure_info="{}")
        await manager.transition(KEY, "fail_upload", last_error="E2")
        row = await manager.store.read(KEY)
    assert ("failed", 2, "E2", "{}") == (row.state, row.version, row.last_error, row.failure_info)


@pytest.mark.parametrize("name", ["last_error", "failure_info"])
@pytest.mark.parametrize("value", [{"code": 7}, b"bytes", 7, "\udcff"])
async def test_what_is_written_beside_the_state_is_text(
    path: Path, machine: MachineFactory, name: str, value: Any
) -> None:
    """A dict, bytes, a number or a lone surrogate is refused by name before anything is read."""
    async with opened(path, machine=machine) as manager:
        with pytest.raises(InvalidKeyError, match=name):
            await manager.transition(KEY, "start_upload", **{name: value})
        (record,) = records(manager)
    assert ("untracked", 0) == state(path)
    assert Outcome.FAILED is record.outcome


async def test_names_are_only_data(path: Path, machine: MachineFactory) -> None:
    """States and events named like code, with quotes, spaces and emoji, work like any other."""
    names = ("send", "class", "a b", "'; DROP TABLE files; --", "🙂", "__init__")
    odd = Lifecycle(
        states=names,
        initial="send",
        finals=frozenset(),
        edges=tuple(
            Edge(names[i], event, names[(i + 1) % len(names)])
            for i in range(len(names))
            for event in ("current_state", 'do "it"')
        ),
    )
    async with opened(path, machine=machine, lifecycle=odd) as manager:
        for turn, event in enumerate(["current_state", 'do "it"'] * 3, start=1):
            result = await manager.transition(KEY, event)
            assert (names[turn % len(names)], turn) == (result.to_state, result.version)
        (row,) = query(path, "SELECT count(*) FROM files")
    assert (1,) == row


async def test_an_edge_may_lead_back_to_its_own_state(path: Path, machine: MachineFactory) -> None:
    """A self-loop is a transition like any other: it is written and counted."""
    loop = Lifecycle(
        states=("on", "off"),
        initial="on",
        finals=frozenset({"off"}),
        edges=(Edge("on", "again", "on"), Edge("on", "stop", "off")),
    )
    async with opened(path, machine=machine, lifecycle=loop) as manager:
        await manager.transition(KEY, "again")
        await manager.transition(KEY, "again")
    assert ("on", 2) == state(path)


async def test_a_row_says_when_it_was_last_written(path: Path, machine: MachineFactory) -> None:
    """By the clock of whoever wrote it: when it was tracked, then of its last transition."""
    now = [datetime(2026, 1, 1, tzinfo=UTC)]
    async with Store(path, create=True, now=lambda: now[0]) as store:
        manager = FileTransitionManager(store, machine=machine)
        await manager.track(KEY)
        seen = [(await store.read(KEY)).updated_at]
        now[0] += timedelta(days=1)
        await manager.transition(KEY, "start_upload")
        now[0] += timedelta(days=1)
        seen.append((await store.read(KEY)).updated_at)
    assert ["2026-01-01T00:00:00+00:00", "2026-01-02T00:00:00+00:00"] == seen
