"""Readers and writers do not wait for each other: a snapshot keeps nobody out, and stays as it is.

That is what the write-ahead log is for. With a rollback journal a reader keeps every COMMIT out
until it has ended, and a COMMIT keeps every reader out (https://sqlite.org/wal.html).
"""

import asyncio
import sqlite3
from contextlib import closing

from properties.scratch import scratch_folder
from properties.subjects import AnswerKind, Offer, Place, Request, SubjectFactory

NEEDS = frozenset({Offer.WAL, Offer.BACKOFF})


def test_beside_a_reader_who_takes_its_time(make_subject: SubjectFactory) -> None:
    """Two transitions while somebody reads; a new reader sees them, the old one does not."""
    waits = []

    async def waited() -> None:
        waits.append("an attempt waited for a reader")

    road = make_subject().lifecycle.road(2)

    async def use(path: str) -> list[AnswerKind]:
        subject = make_subject()
        await subject.make(path)
        try:
            await subject.seed("f")
            with closing(sqlite3.connect(path, isolation_level=None, timeout=0)) as reader:
                reader.execute("BEGIN")
                row = subject.layout.row
                seen = [reader.execute(row, ("f",)).fetchall()]
                told = []
                for event, _ in road:
                    asked = Request(
                        attempt_id=event,
                        file_path="f",
                        event=event,
                        disturbances=((Place.BACKOFF, waited),),
                    )
                    told.append((await subject.attempt(asked)).kind)
                seen.append(reader.execute(row, ("f",)).fetchall())
                reader.execute("COMMIT")
                assert [[(subject.lifecycle.initial, 0)]] * 2 == seen
                assert [(road[-1][1], len(road))] == reader.execute(row, ("f",)).fetchall()
            return told
        finally:
            await subject.close()

    with scratch_folder() as folder:
        told = asyncio.run(use(f"{folder}/files.db"))
    assert [AnswerKind.SUCCESS] * len(road) == told
    assert not waits, waits[0]
