"""The log stays while the store is open, and stays small: nobody pays for its end or its growth.

When the last connection of a file closes, SQLite checkpoints and removes the WAL, and the next one
makes it anew: twelve times the cost of a transition. And a log that is never checkpointed makes
each read slower and fills the disk. A store without a connection that stays, a checkpoint that is
switched off breaks it (https://sqlite.org/wal.html).
"""

import asyncio
import os

from properties.probes.wal import AUTOCHECKPOINT_PAGES, FRAME_BYTES
from properties.scratch import scratch_folder
from properties.subjects import AnswerKind, Offer, Request, SubjectFactory

NEEDS = frozenset({Offer.WAL})

COUNT = 24
KEY_BYTES = 200_000
LIMIT_BYTES = 2 * AUTOCHECKPOINT_PAGES * FRAME_BYTES
"""A checkpoint comes with the commit that passes a thousand pages; each here has 200 or so."""


def test_after_each_of_some_large_transitions(make_subject: SubjectFactory) -> None:
    """Keys of 200 kB, so that two dozen transitions pass the thousand pages several times."""

    async def use(path: str) -> tuple[list[str], int]:
        subject = make_subject()
        await subject.make(path)
        wrong, written_bytes = [], 0
        try:
            ((event, _),) = subject.lifecycle.road(1)
            for number in range(COUNT):
                key = f"{number:0{KEY_BYTES}d}"
                await subject.seed(key)
                asked = Request(attempt_id=f"a{number}", file_path=key, event=event)
                assert AnswerKind.SUCCESS is (await subject.attempt(asked)).kind
                written_bytes += 2 * KEY_BYTES
                if not os.path.exists(f"{path}-wal"):
                    wrong.append(f"after {number + 1} transitions there is no log")
                elif (size_bytes := os.path.getsize(f"{path}-wal")) > LIMIT_BYTES:
                    wrong.append(f"after {number + 1} transitions it has {size_bytes:,} bytes")
        finally:
            await subject.close()
        return wrong, written_bytes

    with scratch_folder() as folder:
        wrong, written_bytes = asyncio.run(use(f"{folder}/files.db"))
    assert not wrong, "; ".join(wrong[:3])
    assert written_bytes > LIMIT_BYTES, "too little was written to outgrow anything"
