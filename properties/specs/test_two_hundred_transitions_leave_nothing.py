"""Two hundred transitions leave nothing behind: all probes after each of them, and zero at the end.

Clean ones, and ones whose guards and callbacks raise, that are cancelled, refused, overtaken or
locked out. Connections, locks, callbacks and timers of the loop, SQLite's memory, threads, tasks,
the write lock, pinned snapshots, the log's size and the file's soundness are looked at after each;
Python objects and descriptors over all. What leaks once in each transition, a prepared
statement for instance, has leaked two hundred times by then.
"""

import asyncio
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

from properties.probes import (
    ConnectionProbe,
    DescriptorProbe,
    MemoryProbe,
    ObjectProbe,
    ThreadProbe,
    integrity_findings,
    loop_findings,
    task_findings,
    wal_findings,
    write_lock_findings,
)
from properties.rules.outsider import Outsider
from properties.scratch import scratch_folder
from properties.subjects import (
    FILES,
    Answer,
    AnswerKind,
    Disturbance,
    Offer,
    Place,
    Request,
    Subject,
    SubjectFactory,
)

NEEDS = frozenset({Offer.V9, Offer.GUARDS, Offer.CALLBACKS, Offer.BACKOFF, Offer.EXPECTED_VERSION})

COUNT = 200
WARM_UP = 30
ROAD = ("start_upload", "complete_upload", "complete_processing")
PAGE_CACHE_BYTES = 120_000
"""A connection that reads gets twenty pages of cache at once, 87 kB, and may keep them. One that
stays open and also writes caches a few more, as the file grows under it; SQLite stops at 2 MB."""
OBJECTS_A_RECORD = 3
"""The subject keeps its log in memory: a record, and what it holds."""


class StepError(Exception):
    """What a disturbed callback raises."""


class Probes:
    """All probes that are cheap enough for every step."""

    def __init__(self, subject: Subject, outsider: Outsider, path: str) -> None:
        self.subject, self.outsider, self.path = subject, outsider, path
        self.connections, self.threads = ConnectionProbe(), ThreadProbe()
        self.step_count = 0
        _look(outsider.db, path)
        self.memory = MemoryProbe()

    def findings(self) -> list[str]:
        """Ask each; must be asked from a coroutine, when no attempt is under way."""
        self.step_count += 1
        db: sqlite3.Connection = self.outsider.db
        held = self.subject.held_locks()
        return [
            *self.connections.findings(0),
            *([f"{held} file locks are held by nobody"] if held else []),
            *loop_findings(),
            *self.threads.findings(0),
            *task_findings(),
            *_look(db, self.path),
            *self.memory.findings(PAGE_CACHE_BYTES),
        ]


def _look(db: sqlite3.Connection, path: str) -> list[str]:
    found = [*write_lock_findings(db), *wal_findings(path), *integrity_findings(db)]
    db.execute("PRAGMA shrink_memory").fetchall()  # its own cache is not what we are looking for
    return found


async def _drive(
    make_subject: SubjectFactory,
    path: str,
    kinds: Callable[[Outsider, int, str], Request],
    expected: int,
) -> tuple[list[str], set[AnswerKind], float]:
    subject = make_subject()
    await subject.make(path)
    outsider = Outsider(path)
    answers: set[AnswerKind] = set()
    found: list[str] = []
    try:
        for number in range((COUNT + WARM_UP) // len(ROAD) + 1):
            await subject.seed(f"f{number}")
        for number in range(WARM_UP):
            await _attempt(subject, kinds(outsider, number, f"f{number // len(ROAD)}"))
            outsider.let_go()
        probes = Probes(subject, outsider, path)
        objects = ObjectProbe()
        began = time.perf_counter()
        for number in range(WARM_UP, WARM_UP + COUNT):
            request = kinds(outsider, number, f"f{number // len(ROAD)}")
            answers.add((await _attempt(subject, request)).kind)
            outsider.let_go()
            found += [f"after {request.attempt_id}: {what}" for what in probes.findings()]
            if len(found) > 5:
                break
        rate = probes.step_count / (time.perf_counter() - began)
        found += objects.findings(OBJECTS_A_RECORD * COUNT)
        objects.end()
    finally:
        outsider.close()
        await subject.close()
    return found, answers, rate


async def _attempt(subject: Subject, request: Request) -> Answer:
    attempt = asyncio.ensure_future(subject.attempt(request))
    try:
        return await attempt
    except asyncio.CancelledError:
        return Answer(kind=AnswerKind.CANCELLED)


def _clean(_outsider: Outsider, number: int, name: str) -> Request:
    return Request(attempt_id=f"clean-{number}", file_path=name, event=ROAD[number % len(ROAD)])


def _raises() -> Disturbance:
    async def happen() -> None:
        raise StepError("as drawn")

    return happen


def _is_cancelled() -> Disturbance:
    async def happen() -> None:
        raise asyncio.CancelledError

    return happen


def _faulted(outsider: Outsider, number: int, name: str) -> Request:
    """Nine kinds of trouble in turn, on files that come forward all the same."""

    has_locked_out: list[bool] = []

    async def locks_out() -> None:
        if not has_locked_out:  # the guard is asked again by each try
            has_locked_out.append(outsider.take_the_lock(1 + number % 3))

    async def sees_a_backoff() -> None:
        outsider.see_a_backoff()

    async def overtakes() -> None:
        outsider.move(f"outsider-{number}", name)

    places = (Place.GUARD, Place.BEFORE_COMMIT, Place.AFTER_COMMIT)
    troubles: tuple[tuple[Place, Disturbance], ...] = (
        *((place, _raises()) for place in places),
        *((place, _is_cancelled()) for place in places),
        (Place.GUARD, locks_out),
        (Place.BEFORE_COMMIT, overtakes),
    )
    kind = number % (len(troubles) + 2)
    asked = Request(attempt_id=f"faulted-{number}", file_path=name, event=FILES.events[number % 3])
    if kind == len(troubles):
        return Request(
            attempt_id=f"no-{number}", file_path=name, event=asked.event, guard_says=False
        )
    if kind == len(troubles) + 1:
        return Request(
            attempt_id=f"old-{number}", file_path=name, event=asked.event, expected_version=99
        )
    return Request(
        attempt_id=asked.attempt_id,
        file_path=name,
        event=asked.event,
        disturbances=(troubles[kind], (Place.BACKOFF, sees_a_backoff)),
    )


def _judge(
    make_subject: SubjectFactory, kinds: Callable[[Outsider, int, str], Request]
) -> tuple[set[AnswerKind], float]:
    with scratch_folder() as folder:
        descriptors = DescriptorProbe(folder)
        connections, threads = ConnectionProbe(), ThreadProbe()
        path = str(Path(folder, "files.db"))
        try:
            found, answers, rate = asyncio.run(_drive(make_subject, path, kinds, COUNT))
            found += [*descriptors.findings(), *connections.findings(0), *threads.findings(0)]
        finally:
            connections.forget()
    assert not found, "; ".join(found[:5])
    return answers, rate


def test_clean_ones(
    make_subject: SubjectFactory, subject_name: str, figure: Callable[[str, float], None]
) -> None:
    """Each succeeds."""
    answers, rate = _judge(make_subject, _clean)
    assert {AnswerKind.SUCCESS} == answers
    figure(f"clean steps with all probes a second ({subject_name})", rate)


def test_faulted_ones(
    make_subject: SubjectFactory, subject_name: str, figure: Callable[[str, float], None]
) -> None:
    """Of every kind that a caller can be told without a failing disk."""
    answers, rate = _judge(make_subject, _faulted)
    met = {kind for kind in AnswerKind if kind is not AnswerKind.UNKNOWN} - {AnswerKind.BUSY}
    assert not met - answers, f"nobody was told {met - answers}"
    figure(f"faulted steps with all probes a second ({subject_name})", rate)
