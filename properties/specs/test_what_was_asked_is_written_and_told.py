"""What was asked is written and told: the caller's note, the time, the next version, the journal.

Read by plain SQL: the note stands in the row and stays there until another one is given, the row
and its journal entry bear the time of the attempt, and the version after any version is the next
one, however large. And the store tells its journal as it is written, all of it and one by one. A
text that is not passed on, a time that is made up, a narrow number, a journal cut short breaks it.
"""

import asyncio
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from properties.faults.clock import with_clock
from properties.scratch import scratch_folder
from properties.subjects import V9, Answer, AnswerKind, Offer, Request, Row, SubjectFactory

NEEDS = frozenset({Offer.V9, Offer.CLOCK, Offer.NOTES, Offer.TOLD_JOURNAL, Offer.OUTCOMES})

BEGIN = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
ROAD = (("start_upload", None), ("complete_upload", "disk full"), ("complete_processing", None))
WRITTEN = """
SELECT version, event, happened_at, gemini_state_updated_at, last_error
FROM transitions JOIN files USING (file_path, version) WHERE file_path = 'f'
"""


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_the_note_and_the_time(make_subject: SubjectFactory) -> None:
    """Three attempts, a day between each two; the second one brings a note."""
    now = [BEGIN]

    async def use(path: str) -> list[Any]:
        subject = with_clock(make_subject, lambda: now[0])()
        await subject.make(path)
        found = []
        try:
            await subject.seed("f")
            for event, note in ROAD:
                now[0] += timedelta(days=1)
                asked = Request(attempt_id=event, file_path="f", event=event, last_error=note)
                assert AnswerKind.SUCCESS is (await subject.attempt(asked)).kind
                with closing(sqlite3.connect(path, isolation_level=None)) as db:
                    found += db.execute(WRITTEN).fetchall()
        finally:
            await subject.close()
        return found

    with scratch_folder() as folder:
        found = asyncio.run(use(f"{folder}/files.db"))
    expected = []
    last_error = None
    for number, (event, note) in enumerate(ROAD, 1):
        last_error = note or last_error
        at = BEGIN + timedelta(days=number)
        expected.append((number, event, at, at, last_error))
    told = [(v, event, _moment(at), _moment(row_at), note) for v, event, at, row_at, note in found]
    assert expected == told


@pytest.mark.parametrize("version", [9, 99, 255, 2**15 - 1, 2**31 - 1, 2**53])
def test_the_version_after_it_is_the_next_one(make_subject: SubjectFactory, version: int) -> None:
    """A file that has come a long way moves once."""

    async def use(path: str) -> tuple[Answer, Row]:
        subject = make_subject()
        await subject.make(path)
        try:
            await subject.seed("f")
            with closing(sqlite3.connect(path, isolation_level=None)) as db:
                db.execute("UPDATE files SET version = ?", (version,))
            asked = Request(
                attempt_id="a", file_path="f", event="start_upload", expected_version=version
            )
            return await subject.attempt(asked), await subject.read("f")
        finally:
            await subject.close()

    with scratch_folder() as folder:
        answer, row = asyncio.run(use(f"{folder}/files.db"))
    assert (AnswerKind.SUCCESS, version + 1) == (answer.kind, answer.version), answer.detail
    assert Row("uploading", version + 1) == row


def test_the_journal_is_told_as_it_is_written(make_subject: SubjectFactory) -> None:
    """Two files, one attempt that is refused; and of each attempt its own entry."""
    asked = [("f", "start_upload"), ("g", "start_upload"), ("f", "complete_upload")]
    names = [f"{name} {event}" for name, event in asked]

    async def use(path: str) -> tuple[list[Any], list[Any]]:
        subject: Any = make_subject()
        await subject.make(path)
        try:
            for name in ("f", "g"):
                await subject.seed(name)
            for attempt_id, (name, event) in zip(names, asked, strict=True):
                each = Request(attempt_id=attempt_id, file_path=name, event=event)
                await subject.attempt(each)
            refused = Request(attempt_id="refused", file_path="f", event="start_upload")
            await subject.attempt(refused)
            told = await subject.journal()
            return told, [await subject.entry_of(each) for each in (*names, "refused")]
        finally:
            await subject.close()

    with scratch_folder() as folder:
        path = f"{folder}/files.db"
        told, one_by_one = asyncio.run(use(path))
        with closing(sqlite3.connect(path, isolation_level=None)) as db:
            assert V9.journal is not None
            written = db.execute(V9.journal).fetchall()
    by_name = {entry[0]: entry for entry in written}
    assert written == told
    assert [*(by_name[each] for each in names), None] == one_by_one
