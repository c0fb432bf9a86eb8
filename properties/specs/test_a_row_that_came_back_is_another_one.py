"""A row that came back is another one: the version is compared, not what the row looks like.

While an attempt asks its guard, somebody moves the file on and puts it back: the state is the one
that was read, the version is not. Who expects a version is told stale; who expects none reads
again, and writes the version after the last one. An UPDATE that compares the state alone, or takes
the version from a later read than the guard was asked about, breaks it (ABA). Not claimed: a row
that is deleted and made anew, whose version begins again too.
"""

import asyncio
import sqlite3
from contextlib import closing

import pytest

from properties.history import snapshot
from properties.rules.outsider import Outsider
from properties.scratch import scratch_folder
from properties.subjects import (
    Answer,
    AnswerKind,
    Lifecycle,
    Offer,
    Place,
    Request,
    SubjectFactory,
)

NEEDS = frozenset({Offer.JOURNAL, Offer.GUARDS, Offer.EXPECTED_VERSION})


async def _there_and_back(
    path: str, make_subject: SubjectFactory, expected_version: int | None, times: int
) -> tuple[Answer, bool]:
    subject = make_subject()
    await subject.make(path)
    outsider = Outsider(path, subject.layout)
    moved: list[bool] = []

    async def there_and_back() -> None:
        if not moved:  # each try asks its guard
            moved.append(_moves(outsider, subject.lifecycle, times))

    try:
        await subject.seed("f")
        asked = Request(
            attempt_id="a",
            file_path="f",
            event=subject.lifecycle.road(1)[0][0],
            expected_version=expected_version,
            disturbances=((Place.GUARD, there_and_back),),
        )
        return await subject.attempt(asked), moved == [True]
    finally:
        outsider.close()
        await subject.close()


def _moves(outsider: Outsider, lifecycle: Lifecycle, times: int) -> bool:
    """Take the file on and put it back, each step with its version and its journal entry."""
    if not outsider.take_the_lock(None):
        return False  # the attempt holds the write lock: nobody can come between
    layout = outsider.layout
    ((event, there),), here = lifecycle.road(1), lifecycle.initial
    way = ((event, here, there), ("put back", there, here))
    for version in range(1, 2 * times + 1):
        what, source, target = way[(version - 1) % 2]
        outsider.db.execute(layout.move, (target, "f"))
        if layout.note is not None:
            entry = (f"step {version}", "f", version, what, source, target)
            outsider.db.execute(layout.note, entry)
    outsider.db.execute("COMMIT")
    return True


@pytest.mark.parametrize("times", [1, 50, 128])
@pytest.mark.parametrize("expected_version", [None, 0])
def test_there_and_back_while_the_guard_thinks(
    make_subject: SubjectFactory, expected_version: int | None, times: int
) -> None:
    """With an expected version and without; so often that the last digits come back too."""
    with scratch_folder() as folder:
        path = f"{folder}/files.db"
        answer, came_between = asyncio.run(
            _there_and_back(path, make_subject, expected_version, times)
        )
        with closing(sqlite3.connect(path, isolation_level=None)) as db:
            subject = make_subject()
            shot = snapshot(db, subject.layout)
    ((_, there),), here = subject.lifecycle.road(1), subject.lifecycle.initial
    told = (answer.kind, answer.version, *shot.rows["f"])
    if not came_between:
        assert (AnswerKind.SUCCESS, 1, there, 1) == told, answer
    elif expected_version is None:
        assert (AnswerKind.SUCCESS, 2 * times + 1, there, 2 * times + 1) == told, answer
    else:
        assert (AnswerKind.STALE, None, here, 2 * times) == told, answer
