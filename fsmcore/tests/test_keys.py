"""A key is any text that SQLite can hold, and comes back exactly."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fsmcore import (
    EventCollector,
    FileAlreadyTrackedError,
    FileNotTrackedError,
    FileTransitionManager,
    HandRolledAdapter,
    InvalidKeyError,
    MachineFactory,
    Outcome,
    Store,
    StoreCorruptError,
)
from fsmcore.check import check
from fsmcore.tests.support import KEY, opened, query, records

TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


@pytest.mark.parametrize(
    "key",
    ["it's", '"quoted"', "a\0b", "\0", "a\nb", " ", "%s?:x", "é", "e\u0301", "🙂", "x" * 2**20],
    ids=range(11),
)
async def test_a_hostile_key_makes_the_round_trip(
    path: Path, machine: MachineFactory, key: str
) -> None:
    """Quotes, NULs, a mebibyte of text: the row, the journal and the record hold the same key."""
    async with opened(path, machine=machine, files=(key,)) as manager:
        result = await manager.transition(key, "start_upload", attempt_id=key)
        row = await manager.store.read(key)
        (entry,) = await manager.store.journal()
        (record,) = records(manager)
    assert [key] * 5 == [
        result.file_path,
        row.file_path,
        entry.file_path,
        entry.attempt_id,
        record.file_id,
    ]
    assert [(key, 1)] == query(path, "SELECT file_path, version FROM files")
    assert [] == check(str(path))


def test_any_unicode_makes_the_round_trip(tmp_path: Path) -> None:
    """Whatever text Hypothesis thinks of; keys that differ are different files."""
    numbers = itertools.count()

    async def one(keys: list[str]) -> None:
        async with Store(tmp_path / f"{next(numbers)}.db", create=True) as store:
            manager = FileTransitionManager(store, machine=HandRolledAdapter)
            for key in keys:
                await manager.track(key)
            for key in keys[1:]:
                await manager.transition(key, "start_upload", last_error=key)
            found = [await store.read(key) for key in keys]
        assert keys == [row.file_path for row in found]
        assert [0] + [1] * (len(keys) - 1) == [row.version for row in found]
        assert [None, *keys[1:]] == [row.last_error for row in found]

    @settings(max_examples=12, deadline=None, database=None)
    @given(st.lists(TEXT, min_size=1, max_size=4, unique=True))
    @example(["a", "A", "a ", "a\0"])
    @example(["\u00e9", "e\u0301"])
    def property_holds(keys: list[str]) -> None:
        asyncio.run(one(keys))

    property_holds()


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("", "key is empty; give at least one character"),
        (
            "a\ud800",
            (
                r"key 'a\ud800' holds a lone surrogate, which no database text can. "
                "Decode it, say with errors='backslashreplace'"
            ),
        ),
        (b"bytes", "key is of type bytes; give text"),
        (None, "key is of type NoneType; give text"),
        (Path("a"), "key is of type PosixPath; give text"),
        (["a"], "key is of type list; give text"),
    ],
)
async def test_what_is_no_key_is_refused(
    path: Path, machine: MachineFactory, key: Any, words: str
) -> None:
    """Empty, a lone surrogate, bytes, a Path: each by name, from every door."""
    async with opened(path, machine=machine) as manager:
        for ask in (
            manager.track(key),
            manager.store.read(key),
            manager.transition(key, "start_upload"),
        ):
            with pytest.raises(InvalidKeyError) as caught:
                await ask
            assert f"{words}." == str(caught.value)
        (record,) = records(manager)
    assert (Outcome.FAILED, key) == (record.outcome, record.file_id)


@pytest.mark.parametrize("attempt_id", ["", "a\ud800", b"bytes", 7])
async def test_what_is_no_attempt_id_is_refused(
    path: Path, machine: MachineFactory, attempt_id: Any
) -> None:
    """An attempt id is text like a key; nothing is read or written with another."""
    async with opened(path, machine=machine) as manager:
        with pytest.raises(InvalidKeyError, match="attempt id"):
            await manager.transition(KEY, "start_upload", attempt_id=attempt_id)
        assert 1 == len(records(manager))
    assert [(0,)] == query(path, "SELECT version FROM files")


async def test_a_file_is_tracked_once(path: Path) -> None:
    """Tracking again is an error, and leaves the row as it is."""
    async with opened(path) as manager:
        await manager.transition(KEY, "start_upload")
        with pytest.raises(FileAlreadyTrackedError, match=r"a\.txt: already tracked"):
            await manager.track(KEY)
        with pytest.raises(FileNotTrackedError):
            await manager.store.read("b.txt")
    assert [("uploading", 1)] == query(path, "SELECT gemini_state, version FROM files")


async def test_ten_tasks_may_track_one_file(path: Path) -> None:
    """One of them tracks it; the others hear that it is tracked."""
    async with opened(path, files=(), events=EventCollector()) as manager:
        answers = await asyncio.gather(
            *(manager.track(KEY) for _ in range(10)), return_exceptions=True
        )
    refused = [answer for answer in answers if isinstance(answer, FileAlreadyTrackedError)]
    assert 9 == len(refused)


async def test_text_that_is_no_unicode_is_told(path: Path, machine: MachineFactory) -> None:
    """A row whose state holds broken UTF-8 cannot be read, and that is what is said."""
    async with opened(path, machine=machine) as manager:
        query(path, "UPDATE files SET gemini_state = CAST(x'ff' AS TEXT)")
        with pytest.raises(StoreCorruptError, match="a row cannot be read"):
            await manager.transition(KEY, "start_upload")
