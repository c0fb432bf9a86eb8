"""A store without WAL is refused: whoever asked for it and did not get it is told so.

Where a file system has no shared memory, ``PRAGMA journal_mode=WAL`` raises nothing: it answers
with the mode that stays (https://sqlite.org/pragma.html#pragma_journal_mode). A store that goes on
all the same keeps none of the promises that rest on the log. An answer that nobody reads breaks it.
"""

import asyncio

import pytest

from properties.faults.disk import why_no_vfs
from properties.faults.vfs import Shim
from properties.recording import RECORDER
from properties.scratch import scratch_folder
from properties.subjects import Offer, SubjectFactory

NEEDS = frozenset({Offer.WAL})


def test_on_a_file_system_without_shared_memory(make_subject: SubjectFactory) -> None:
    """Opening raises; the file system is a real one whose shared memory SQLite does not see."""
    why = why_no_vfs()
    if why is not None:
        raise RECORDER.harness_error(f"no file system can be shown without shared memory: {why}")

    async def use(path: str) -> None:
        subject = make_subject()
        try:
            await subject.make(path)
        finally:
            await subject.close()

    with scratch_folder() as folder, Shim(folder, has_shared_memory=False):
        with pytest.raises(Exception, match=r"(?i)wal"):
            asyncio.run(use(f"{folder}/files.db"))
