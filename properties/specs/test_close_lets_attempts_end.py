"""Close lets attempts end: whoever is under way gets an answer, and nothing stays behind.

A store may be closed at any moment, by a signal handler for instance. An attempt that has begun
ends as it would have; one that comes later is refused, and has written nothing. What the journal
says is what was told. A close that pulls the connection away under an attempt, waits for ever, or
leaves a thread breaks it.
"""

import asyncio
import functools
import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import Any

from hypothesis import strategies as st

from properties.history import snapshot
from properties.probes import ConnectionProbe, DescriptorProbe, ThreadProbe
from properties.rules.meeting import reached
from properties.scratch import scratch_folder
from properties.subjects import Answer, AnswerKind, Offer, Place, Request, SubjectFactory
from properties.subjects.worker import PATIENT_TRIES

NEEDS = frozenset({Offer.V9})

PATIENCE_S = 30
THINKING_TURNS = 40
"""A guard that takes its time, so that the close finds somebody between its read and its write."""


async def _close_after(
    path: str, make_subject: SubjectFactory, turns: int
) -> tuple[dict[str, Answer], set[str]]:
    """Return what each was told, and who had asked its guard and met nobody when it was closed."""
    subject = make_subject(tries=PATIENT_TRIES)
    await subject.make(path)
    for name in "fgh":
        await subject.seed(name)
    begun: set[str] = set()
    asked = [
        Request(
            attempt_id=f"{name}{number}",
            file_path=name,
            event="start_upload",
            disturbances=(
                (Place.GUARD, functools.partial(_note, begun.add, f"{name}{number}")),
                (Place.BACKOFF, functools.partial(_note, begun.discard, f"{name}{number}")),
            ),
        ).within(subject.offers)
        for name in "fgh"
        for number in range(2)
    ]
    attempts = [asyncio.ensure_future(subject.attempt(each)) for each in asked]
    for _ in range(turns):
        await asyncio.sleep(0)
    had_begun = set(begun)
    await asyncio.wait_for(subject.close(), PATIENCE_S)
    answers = await asyncio.wait_for(asyncio.gather(*attempts), PATIENCE_S)
    told = {each.attempt_id: answer for each, answer in zip(asked, answers, strict=True)}
    return told, had_begun & begun  # who had to try again needed a connection anew


async def _note(change: Callable[[str], None], attempt_id: str) -> None:
    change(attempt_id)
    for _ in range(THINKING_TURNS):
        await asyncio.sleep(0)


def test_while_a_guard_thinks(make_subject: SubjectFactory) -> None:
    """One attempt, closed as soon as it asks its guard: it ends as if nobody had closed."""
    if Offer.GUARDS not in make_subject().offers:
        return

    async def use(path: str) -> Answer:
        subject = make_subject(tries=PATIENT_TRIES)
        await subject.make(path)
        begun = asyncio.Event()

        async def thinks() -> None:
            begun.set()
            for _ in range(THINKING_TURNS):
                await asyncio.sleep(0)

        await subject.seed("f")
        asked = Request(
            attempt_id="a",
            file_path="f",
            event="start_upload",
            disturbances=((Place.GUARD, thinks),),
        )
        attempt = asyncio.ensure_future(subject.attempt(asked))
        await reached(begun, attempt)
        await asyncio.wait_for(subject.close(), PATIENCE_S)
        return await asyncio.wait_for(attempt, PATIENCE_S)

    with scratch_folder() as folder:
        answer = asyncio.run(use(f"{folder}/files.db"))
    assert AnswerKind.SUCCESS is answer.kind, f"it had begun: {answer.detail}"


def test_at_any_moment(
    make_subject: SubjectFactory, drawn: Callable[[Any, Callable[[Any], None]], None]
) -> None:
    """Six attempts on three files, closed after some turns of the loop."""

    def holds(turns: int) -> None:
        with scratch_folder() as folder:
            probes = ConnectionProbe(), ThreadProbe()
            descriptors = DescriptorProbe(folder)
            path = f"{folder}/files.db"
            answers, begun = asyncio.run(_close_after(path, make_subject, turns))
            left = [*probes[0].findings(0), *probes[1].findings(0), *descriptors.findings()]
            assert [] == left
            with closing(sqlite3.connect(path, isolation_level=None)) as db:
                written = {entry.attempt_id for entry in snapshot(db).journal}
        moved = {attempt for attempt, answer in answers.items() if answer.kind.says_moved}
        unsure = {
            attempt for attempt, answer in answers.items() if answer.kind is AnswerKind.UNKNOWN
        }
        assert moved <= written <= moved | unsure, f"told {moved}, written {written}"
        for attempt_id in begun:
            answer = answers[attempt_id]
            assert answer.kind is not AnswerKind.FAILED, f"{attempt_id} had begun: {answer.detail}"

    drawn(st.integers(0, 300), holds)
