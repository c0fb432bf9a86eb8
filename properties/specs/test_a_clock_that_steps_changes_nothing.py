"""A clock that steps changes nothing: back, still, or far ahead, the same script has the same end.

Timestamps are for people. Who wins, what is refused and what is in the journal is decided by
versions. An order by time, an expiry, or a version made of the clock breaks it.
"""

import asyncio
import itertools
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from properties.history import Snapshot, snapshot
from properties.scratch import scratch_folder
from properties.subjects import AnswerKind, Offer, Request, SubjectFactory

NEEDS = frozenset({Offer.CLOCK, Offer.V9})

BEGIN = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
DAY_S = 86_400
CLOCKS: dict[str, tuple[int, ...]] = {
    "still": (0,),
    "back a second": (-1,),
    "back an hour, and on": (1, -3600),
    "an hour ahead, and back": (3600, 1, -3600),
    "years ahead": (400 * DAY_S,),
    "years back": (-400 * DAY_S, 1),
}
SCRIPT = (
    "complete_upload",
    "start_upload",
    "start_upload",
    "complete_upload",
    "fail_upload",
    "complete_processing",
    "fail_processing",
)


def _clock(steps_s: tuple[int, ...]) -> Callable[[], datetime]:
    def readings() -> Iterator[datetime]:
        now = BEGIN
        for step_s in itertools.cycle(steps_s):
            yield now
            now = max(BEGIN - timedelta(days=9000), now + timedelta(seconds=step_s))

    read = readings()
    return lambda: next(read)


def _ended(
    make_subject: SubjectFactory, clock: Callable[[], datetime]
) -> tuple[list[tuple[AnswerKind, int | None]], Snapshot]:
    async def run(path: str) -> list[tuple[AnswerKind, int | None]]:
        clocked: Any = make_subject  # its factory takes a clock
        subject = clocked(now=clock)
        await subject.make(path)
        try:
            await subject.seed("f")
            asked = [
                Request(attempt_id=f"a{number}", file_path="f", event=event)
                for number, event in enumerate(SCRIPT)
            ]
            answers = [await subject.attempt(each) for each in asked]
            return [(answer.kind, answer.version) for answer in answers]
        finally:
            await subject.close()

    with scratch_folder() as folder:
        path = f"{folder}/files.db"
        told = asyncio.run(run(path))
        with closing(sqlite3.connect(path, isolation_level=None)) as db:
            return told, snapshot(db)


@pytest.mark.parametrize("name", CLOCKS)
def test_the_same_script_has_the_same_end(make_subject: SubjectFactory, name: str) -> None:
    """Beside a clock that counts seconds, one that steps between each two readings."""
    steady = _ended(make_subject, _clock((1,)))
    assert steady == _ended(make_subject, _clock(CLOCKS[name]))
