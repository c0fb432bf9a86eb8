"""A transition leaves the rest alone: other rows, and columns that it was not asked to write.

What was noted beside the state, a column that somebody else has added: all as before. An upsert by
INSERT OR REPLACE, which deletes the row first, or an assignment where nothing was given breaks it.
"""

import asyncio
import sqlite3
from contextlib import closing

from properties.scratch import scratch_folder
from properties.subjects import AnswerKind, Offer, Request, SubjectFactory

NEEDS = frozenset({Offer.V9})

ADDED = "ALTER TABLE files ADD COLUMN owner TEXT DEFAULT 'nobody'"
NOTED = "UPDATE files SET last_error = 'once', failure_info = '{}', owner = 'somebody'"
REST = "SELECT file_path, last_error, failure_info, owner FROM files ORDER BY file_path"
OTHER = "SELECT * FROM files WHERE file_path = 'g'"


def test_columns_of_others_and_other_rows(make_subject: SubjectFactory) -> None:
    """Two transitions of one file beside another one, which is further on."""

    async def prepare(path: str) -> None:
        subject = make_subject()
        await subject.make(path)
        try:
            for name in ("f", "g"):
                await subject.seed(name)
        finally:
            await subject.close()

    async def use(path: str) -> list[AnswerKind]:
        subject = make_subject()
        await subject.make(path)
        try:
            return [
                (await subject.attempt(Request(attempt_id=event, file_path="f", event=event))).kind
                for event in ("start_upload", "complete_upload")
            ]
        finally:
            await subject.close()

    with scratch_folder() as folder:
        path = f"{folder}/files.db"
        asyncio.run(prepare(path))
        with closing(sqlite3.connect(path, isolation_level=None)) as db:
            db.execute(ADDED)
            db.execute(NOTED)
            before = db.execute(REST).fetchall(), db.execute(OTHER).fetchall()
        told = asyncio.run(use(path))
        with closing(sqlite3.connect(path, isolation_level=None)) as db:
            after = db.execute(REST).fetchall(), db.execute(OTHER).fetchall()
    assert [AnswerKind.SUCCESS] * 2 == told
    assert before == after
