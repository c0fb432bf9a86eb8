"""Every message is the same in two runs, and shows neither an address nor a home."""

from __future__ import annotations

import asyncio
import os
import re
import sqlite3
from pathlib import Path
from typing import Any

from fsmcore import (
    DefinitionError,
    Edge,
    FsmCoreError,
    Lifecycle,
    MachineFactory,
    RetryPolicy,
    Schema,
    Store,
)
from fsmcore.tests.support import (
    KEY,
    NO_WAITING,
    Connections,
    held_write_lock,
    opened,
    query,
    records,
)
from fsmcore.text import shown

ADDRESS = re.compile(r"0x[0-9a-f]{6,}")


async def said(folder: Path, machine: MachineFactory, native: Connections) -> list[str]:
    """Provoke one error of each kind; return what they and the event records say."""
    messages: list[str] = []

    async def heard(awaitable: Any) -> None:
        try:
            await awaitable
        except (FsmCoreError, RuntimeError) as error:
            messages.append("\n".join([str(error), *getattr(error, "__notes__", [])]))

    def fails(row: object, edge: object) -> None:
        raise RuntimeError("a callback")

    def denied(connection: sqlite3.Connection) -> None:
        connection.set_authorizer(
            lambda action, first, *_: int((action, first) == (sqlite3.SQLITE_TRANSACTION, "COMMIT"))
        )

    guards = {"fail_upload": lambda _row, _edge: False, "complete_upload": lambda _row, _edge: 1}
    options: dict[str, Any] = {"guards": guards, "retry": NO_WAITING}
    async with opened(folder / "a.db", machine=machine, **options) as manager:
        await heard(manager.track(KEY))
        await heard(manager.track(""))
        await heard(manager.transition("none", "start_upload"))
        await heard(manager.transition(KEY, "start"))
        await heard(manager.transition(KEY, "fail_upload"))
        with held_write_lock(folder / "a.db"):
            await heard(manager.transition(KEY, "start_upload"))
        with native.prepared(denied):
            await heard(manager.transition(KEY, "start_upload"))
        await manager.transition(KEY, "start_upload", attempt_id="x")
        await heard(manager.transition(KEY, "fail_upload"))
        await heard(manager.transition(KEY, "complete_upload"))
        await heard(manager.transition(KEY, "complete_upload", expected_version=7))
        await heard(manager.transition(KEY, "fail_processing", attempt_id="x"))
        query(folder / "a.db", "UPDATE files SET gemini_state = x'00'")
        await heard(manager.transition(KEY, "start_upload"))
        messages += [str(record.error) for record in records(manager)]
    for callback in ("before_commit", "after_commit"):
        option: dict[str, Any] = {callback: fails}
        async with opened(folder / f"{callback}.db", machine=machine, **option) as manager:
            await heard(manager.transition(KEY, "start_upload"))
    await heard(Store(folder / "none" / "a.db").open())
    await heard(Store(folder).open())
    await heard(Store(folder / "none.db").open())
    await heard(Store(folder / "a.db", schema=Schema(user_version=3)).open())
    (folder / "text.db").write_bytes(b"text" * 999)
    await heard(Store(folder / "text.db").open())
    for make in (
        lambda: Lifecycle(states=("a",), initial="b", finals=frozenset(), edges=()),
        lambda: Lifecycle(
            states=("a", "b"), initial="a", finals=frozenset({"a"}), edges=(Edge("a", "x", "b"),)
        ),
        lambda: Schema(files_table=""),
        lambda: RetryPolicy(max_tries=0),
        lambda: RetryPolicy(base_ms=9, cap_ms=1),
    ):
        try:
            make()
        except DefinitionError as error:
            messages.append(str(error))
    return messages


def test_two_runs_say_the_same(
    tmp_path: Path, machine: MachineFactory, native: Connections
) -> None:
    """About thirty messages, word for word equal in another folder, loop and store."""
    runs = []
    for name in ("one", "two"):
        folder = tmp_path / name / "folder"
        folder.mkdir(parents=True)
        runs.append(asyncio.run(said(folder, machine, native)))
    assert runs[0] == runs[1]
    assert len(runs[0]) > 30
    home = os.path.expanduser("~")
    for message in runs[0]:
        assert not ADDRESS.search(message), message
        assert home not in message
        assert str(tmp_path) not in message
        assert message[-1] in ".)" or message in ("a callback", "None"), message


def test_any_text_is_shown_whole_on_one_line_or_cut_with_its_length() -> None:
    """The longest one that is whole, one more, and one that would move the cursor."""
    assert "x" * 120 == shown("x" * 120)
    assert f"{'x' * 120}… (121 characters)" == shown("x" * 121)
    assert r"'a\n\x1b[2Jb'" == shown("a\n\x1b[2Jb")
