"""The small history around one fault: an attempt before, the struck call, and all that follows.

What follows is the test: the fault is lifted, so everything must work again and tell the truth.
The subject and a fresh one on the same file are asked what became of each attempt, every row is
read, one more attempt must succeed, and nothing may be left behind.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import traceback
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

from properties.faults.calls import (
    EVERY_CALL_ENDS,
    HANG_S,
    CallCancelledError,
    SubjectFailedError,
    ends,
)
from properties.faults.plan import Fault, Means, Phase, Strike
from properties.faults.struck import of_the_harness, watching
from properties.history import Clock, Operation, Snapshot, snapshot, timeline
from properties.probes import (
    ConnectionProbe,
    DescriptorProbe,
    ThreadProbe,
    task_findings,
    write_lock_findings,
)
from properties.rules import Evidence, Judge
from properties.rules.outsider import Outsider
from properties.scratch import scratch_folder
from properties.subjects import Answer, AnswerKind, Offer, Place, Request, Subject
from properties.subjects.lifecycle import FILES, Lifecycle
from properties.subjects.protocol import (
    EVERYTHING,
    V9,
    Layout,
    LogRecord,
    Row,
    SubjectFactory,
    keep_what_is_shown,
    shown_by,
)
from properties.text import told

T = TypeVar("T")

NOTHING_LEAKS = "nothing_outlives_its_owner"
NO_HARM_IS_LEFT = "a_lifted_fault_leaves_no_harm"
FILE = "file 0"
_SUCCESS = AnswerKind.SUCCESS.value
BEFORE, STRUCK, AFTER = "before", "struck", "after"


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """What came of one fault. ``broken`` is by law; ``unknown`` says how the judge itself failed.

    ``seen`` operations were counted and ``fired`` of them failed. ``answer`` is what the struck
    caller was told. ``is_durable_yet_raised``: it was told of an error and the row has moved.
    """

    fault: Fault
    seen: int = 0
    fired: int = 0
    answer: str = ""
    is_durable_yet_raised: bool = False
    is_absorbed: bool = False
    broken: dict[str, str] = field(default_factory=dict)
    unknown: str | None = None
    timeline: str = ""

    @property
    def was_reached(self) -> bool:
        """Whether there was an Nth operation at all."""
        return self.seen >= self.fault.nth


Broke = Callable[[str, Evidence], None]
"""Is shown each law that breaks, with what broke it."""


def strike_once(
    factory: SubjectFactory,
    means: Means,
    fault: Fault,
    judges: dict[str, Judge],
    *,
    broke: Broke = lambda _law, _evidence: None,
) -> Point:
    """Play the history with one fault in it and let every judge look. Never raises an error."""
    scene = Scene(factory, means.strike(fault), fault, judges, broke)
    unknown = None
    try:
        scene.play()
    except SubjectFailedError as failed:
        scene.broken.setdefault(failed.law, failed.what)
    except Exception as error:  # noqa: BLE001 - the judge's own failure: unknown, never a pass
        unknown = "".join(traceback.format_exception(error))
    return scene.point(unknown)


class Scene:
    """One database, one subject, one fault. Played once."""

    def __init__(
        self,
        factory: SubjectFactory,
        strike: Strike,
        fault: Fault,
        judges: dict[str, Judge],
        broke: Broke,
    ) -> None:
        """Touch nothing yet."""
        self.broken: dict[str, str] = {}
        self._factory = strike.made_with(factory)
        self._strike = strike
        self._fault = fault
        self._judges = judges
        self._broke = broke
        self._clock = Clock()
        self._operations: list[Operation] = []
        self._open_subjects: list[Subject] = []
        self._log: list[LogRecord] = []
        self._notes: list[str] = []
        self._backoffs: Counter[str] = Counter()
        self._answer = ""
        self._durable = False
        self._path = ""
        self._layout: Layout = V9
        self._lifecycle = FILES
        self._offers = EVERYTHING
        self._allowed = 0

    def point(self, unknown: str | None) -> Point:
        """Return what was found."""
        strike = self._strike
        return Point(
            fault=self._fault,
            seen=strike.seen,
            fired=strike.fired,
            answer=self._answer,
            is_durable_yet_raised=self._durable,
            is_absorbed=bool(strike.fired) and self._answer == _SUCCESS,
            broken=self.broken,
            unknown=unknown,
            timeline="\n".join([timeline(self._operations), *self._notes]),
        )

    def play(self) -> None:
        """Play all of it."""
        with contextlib.ExitStack() as cleanup:
            folder = cleanup.enter_context(scratch_folder())
            self._path = os.path.join(folder, "files.db")
            self._connection_probe = ConnectionProbe()
            self._thread_probe = ThreadProbe()
            self._descriptor_probe = DescriptorProbe(folder)
            cleanup.callback(self._connection_probe.forget)
            cleanup.enter_context(self._strike.around(folder))
            cleanup.enter_context(watching(self._strike.watch, self._strike.opening))
            cleanup.callback(self._strike.leave)
            cleanup.callback(self._strike.disarm)
            runner = asyncio.Runner()
            try:
                runner.run(self._history())
            finally:
                if EVERY_CALL_ENDS in self.broken:
                    runner.get_loop().close()  # the runner would wait for who does not come back
                else:
                    runner.close()
            self._strike.leave()
            self._look_for_leaks(0, [])

    # The history.

    async def _history(self) -> None:
        subject = await self._works("make", self._made())
        self._layout, self._offers = subject.layout, subject.offers
        self._lifecycle = subject.lifecycle
        with of_the_harness():
            self._outsider = Outsider(self._path, self._layout, self._lifecycle)
        try:
            await self._told(subject)
        finally:
            self._outsider.close()
            for each in self._open_subjects:
                with contextlib.suppress(Exception):
                    await asyncio.wait_for(each.close(), HANG_S)

    async def _told(self, subject: Subject) -> None:
        await self._works("seed", subject.seed(FILE))
        await self._attempt(subject, BEFORE, FILE, self._lifecycle.road(1)[0][0])
        self._allowed = self._connection_probe.open_count
        with of_the_harness():
            self._strike.prepare(self._path, self)
        subject = await self._struck(subject)
        self._strike.ended(is_success=self._answer == _SUCCESS)
        self._look_for_leaks(self._allowed, await self._leaks())
        # A worker runs what the call has left in its queue after the call has ended; a read comes
        # behind it, and what it finds open then is seen whoever was quicker.
        await self._works("read", subject.read(FILE))
        self._look_for_leaks(self._allowed, await self._leaks())
        fresh = await self._works("make (a fresh one)", self._made())
        await self._judge(fresh, self._operations[-1:])
        await self._works("close (a fresh one)", self._closed(fresh))
        await self._judge(subject, self._operations[-1:])
        await self._recover(subject)
        self._look_for_leaks(self._allowed, await self._leaks())
        await self._judge(subject, self._operations[1:])
        await self._works("close", self._closed(subject))

    async def _made(self) -> Subject:
        subject = self._factory()
        keep_what_is_shown(subject)
        self._unmade = subject  # who cannot be made is closed all the same
        await subject.make(self._path)
        self._open_subjects.append(subject)
        return subject

    async def _closed(self, subject: Subject) -> None:
        self._open_subjects.remove(subject)
        self._log += subject.log()
        await subject.close()

    async def _struck(self, subject: Subject) -> Subject:
        self._strike.on_fire = lambda what: self._notes.append(f"       {what}")
        if self._fault.phase is Phase.ATTEMPT:
            event, _ = self._lifecycle.road(2)[-1]
            operation = await self._attempt(subject, STRUCK, FILE, event, True)
            self._answer = operation.kind.value
            shot = self._snapshot()
            is_entered = shot.entry_of(operation.attempt_id) is not None
            written = is_entered if shot.has_journal else shot.rows[FILE][1] > 1
            self._durable = written and operation.kind is not AnswerKind.SUCCESS
            return subject
        if self._fault.phase is Phase.CLOSE:
            return await self._closed_under_a_fault(subject)
        if self._fault.phase is Phase.OPEN:
            await self._works("close", self._closed(subject))
            return await self._opened_under_a_fault()
        await self._asked_under_a_fault(subject)
        return subject

    async def _opened_under_a_fault(self) -> Subject:
        try:
            opened = await self._ends("make", self._strike.during(self._made()))
        except SubjectFailedError:
            raise
        except Exception as error:  # noqa: BLE001 - an error is an answer here
            cancelled = isinstance(error, CallCancelledError)
            self._answer = "cancelled" if cancelled else type(error).__name__
            with contextlib.suppress(Exception):
                await self._ends("close", self._unmade.close())
            self._look_for_leaks(1, await self._leaks())
            return await self._works("make", self._made())
        self._answer = _SUCCESS
        return opened

    async def _closed_under_a_fault(self, subject: Subject) -> Subject:
        self._outsider.close()  # so that the subject's last connection is the file's last one
        self._answer = _SUCCESS
        try:
            await self._ends("close", self._strike.during(self._closed(subject)))
        except SubjectFailedError:
            raise
        except Exception as error:  # noqa: BLE001 - an error is an answer here
            self._answer = type(error).__name__
        self._look_for_leaks(0, task_findings())
        with of_the_harness():
            self._outsider = Outsider(self._path, self._layout, self._lifecycle)
        return await self._works("make", self._made())

    async def _asked_under_a_fault(self, subject: Subject) -> None:
        outcomes: dict[str, bool | None] = {}
        reads: dict[str, Row] = {}

        async def ask() -> None:
            for attempt_id in (BEFORE, "never made"):
                if Offer.OUTCOMES not in self._offers:
                    continue
                with contextlib.suppress(Exception):
                    outcomes[attempt_id] = await subject.outcome_of(attempt_id)
            with contextlib.suppress(Exception):
                reads[FILE] = await subject.read(FILE)

        with contextlib.suppress(CallCancelledError):
            await self._ends("outcome_of and read", self._strike.during(ask()))
        asked = len(outcomes) + len(reads)
        due = 3 if Offer.OUTCOMES in self._offers else 1
        self._answer = f"{due - asked} of {due} refused" if asked < due else _SUCCESS
        self._examine(self._evidence(self._snapshot(), outcomes, reads))

    async def _recover(self, subject: Subject) -> None:
        name, state = FILE, self._snapshot().rows[FILE][0]
        if not self._lifecycle.edges_from(state):
            name, state = "another file", self._lifecycle.initial
            await self._works("seed", subject.seed(name))
        await self._attempt(subject, AFTER, name, next(iter(self._lifecycle.edges_from(state))))

    async def _attempt(
        self, subject: Subject, who: str, name: str, event: str, is_struck: bool = False
    ) -> Operation:
        operation = Operation("worker", Request(attempt_id=who, file_path=name, event=event), 0)
        places = self._strike.places if is_struck else frozenset()
        operation.request = Request(
            attempt_id=who + "." * (self._strike.padding_size if is_struck else 0),
            file_path=name,
            event=event,
            disturbances=(
                (Place.BACKOFF, functools.partial(self._backing_off, operation)),
                *((each, functools.partial(self._at, each, operation)) for each in places),
            ),
        ).within(self._offers)
        operation.begin = self._clock.tick()
        self._operations.append(operation)
        call: Awaitable[Answer] = subject.attempt(operation.request)
        if is_struck:
            marks = operation.marks
            self._strike.on_fire = lambda what: marks.append((self._clock.tick(), what))
            call = self._strike.during(call)
        try:
            operation.answer = await self._ends(who, call)
        except CallCancelledError:
            operation.answer = Answer(kind=AnswerKind.CANCELLED)
        except SubjectFailedError:
            raise
        except Exception as error:
            raise SubjectFailedError(
                NO_HARM_IS_LEFT, f"attempt {who!r} raised where it must answer: {error!r}"
            ) from error
        finally:
            operation.end = self._clock.tick()
        return operation

    async def _backing_off(self, operation: Operation) -> None:
        self._backoffs[operation.attempt_id] += 1
        if operation.request.attempt_id.startswith(STRUCK):
            await self._strike.at_place(Place.BACKOFF)

    async def _at(self, place: Place, operation: Operation) -> None:
        operation.marks.append((self._clock.tick(), f"{place.value}: reached"))
        try:
            await self._strike.at_place(place)
        except BaseException:
            operation.marks.append((self._clock.tick(), f"{place.value}: raises"))
            raise

    def overtaken(self, attempt_id: str, moved: tuple[str, str, str, int], begin: int) -> None:
        """Record that somebody else moved the file; ``begin`` is a ``tick`` from before."""
        event, source, target, version = moved
        request = Request(attempt_id=attempt_id, file_path=FILE, event=event)
        answer = Answer(
            kind=AnswerKind.SUCCESS, from_state=source, to_state=target, version=version
        )
        self._operations.append(
            Operation("outsider", request, begin, end=self._clock.tick(), answer=answer)
        )

    @property
    def layout(self) -> Layout:
        """That of the subject's file."""
        return self._layout

    @property
    def lifecycle(self) -> Lifecycle:
        """That of the subject's rows."""
        return self._lifecycle

    def tick(self) -> int:
        """Return the next moment of the history."""
        return self._clock.tick()

    # Waiting, and what must not fail.

    async def _ends(self, what: str, call: Awaitable[T]) -> T:
        try:
            return await ends(what, call)
        except SubjectFailedError as failed:
            self.broken.setdefault(failed.law, failed.what)
            raise

    async def _works(self, what: str, call: Awaitable[T]) -> T:
        try:
            return await self._ends(what, call)
        except SubjectFailedError:
            raise
        except Exception as error:
            when = "after" if self._answer else "without"
            raise SubjectFailedError(
                NO_HARM_IS_LEFT, f"{what} failed {when} the fault: {error!r}"
            ) from error

    # The court.

    async def _judge(self, asked: Subject, operations: list[Operation]) -> None:
        outcomes = {
            each.attempt_id: await self._outcome(asked, each.attempt_id)
            for each in operations
            if each.actor == "worker" and Offer.OUTCOMES in self._offers
        }
        reads = {FILE: await self._works("read", asked.read(FILE))}
        self._examine(self._evidence(self._snapshot(), outcomes, reads))

    async def _outcome(self, subject: Subject, attempt_id: str) -> bool | None:
        return await self._works("outcome_of", subject.outcome_of(attempt_id))

    def _snapshot(self) -> Snapshot:
        return snapshot(self._outsider.db, self._layout)

    def _evidence(
        self,
        shot: Snapshot,
        outcomes: dict[str, bool | None],
        reads: dict[str, Row],
    ) -> Evidence:
        return Evidence(
            operations=self._operations,
            snapshot=shot,
            log=self._log + [each for subject in self._open_subjects for each in subject.log()],
            outcomes=outcomes,
            reads=reads,
            leaks=[],
            backoffs=dict(self._backoffs),
            shown=[each for subject in self._open_subjects for each in shown_by(subject)],
            lifecycle=self._lifecycle,
        )

    def _examine(self, evidence: Evidence) -> None:
        for law, judge in self._judges.items():
            if law in self.broken:
                continue
            try:
                judge(evidence)
            except AssertionError as error:
                self.broken[law] = told(error)
                self._broke(law, evidence)

    async def _leaks(self) -> list[str]:
        found = task_findings()
        held = sum(subject.held_locks() for subject in self._open_subjects)
        found += [f"{held} in-process locks are held by nobody"] if held else []
        return found + write_lock_findings(self._outsider.db)

    def _look_for_leaks(self, allowed: int, found: list[str]) -> None:
        if NOTHING_LEAKS in self.broken:
            return  # the threads of a leak are waited for once
        found = [*found, *self._connection_probe.findings(allowed)]
        # A worker thread for each of the subject's connections; one connection is the outsider's.
        found += self._thread_probe.findings(max(0, allowed - 1))
        if not allowed:
            found += self._descriptor_probe.findings()
        if found:
            self.broken[NOTHING_LEAKS] = "; ".join(found)
