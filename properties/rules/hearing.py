"""A workload under the simulation: real subject, chosen schedule, and the court at each rest.

A workload becomes a ``Scenario``, so every scheduler, the minimiser, the timeline and the replay
work on it. Between two phases, and at the end, nothing is under way: then the evidence is gathered
as it is on real time, and every law is asked. The first that is broken is the run's violation.
"""

from __future__ import annotations

import asyncio
import functools
import importlib
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Mapping
from pathlib import Path
from typing import Any

from fsmcore import Schema
from properties.history import Clock, Observer, Operation
from properties.probes import ConnectionProbe, task_findings, write_lock_findings
from properties.rules.court import Court, Evidence, Judge, LawBrokenError
from properties.rules.outsider import Outsider
from properties.rules.troubles import CallbackError, Trouble
from properties.rules.workload import LETTERS, Arrival, Workload
from properties.simulation import active, footprints
from properties.simulation.budget import Budget
from properties.simulation.faults import (
    CLOCK_FAULTS,
    CRASH,
    DENIED,
    INTERRUPTED,
    INTERRUPTED_LATE,
)
from properties.simulation.scenario import Answers, Outcome, Scenario, Setting
from properties.simulation.transcript import Kind, plain
from properties.simulation.world import World
from properties.subjects import (
    CORE_SUBJECTS,
    Answer,
    AnswerKind,
    Disturbance,
    Place,
    Request,
)
from properties.subjects.protocol import (
    Row,
    SubjectFactory,
    keep_what_is_shown,
    kept_count,
    shown_by,
)

SPECS = Path(__file__).resolve().parents[1] / "specs"
LEFT_BEHIND = "nothing_outlives_its_owner"
FILES = ("file 0", "file 1")
OBSERVE = (
    "SELECT file_path, gemini_state, version FROM files UNION ALL "
    "SELECT * FROM (SELECT attempt_id, to_state, version FROM transitions "
    "ORDER BY file_path, version)"
)
RESET = (
    "DELETE FROM transitions; REPLACE INTO files VALUES "
    "('file 0', 'untracked', NULL, 0, NULL, NULL), ('file 1', 'untracked', NULL, 0, NULL, NULL)"
)
OF_ONE_PROCESS = {"the_event_log_tells_the_truth"}
"""Laws of what a process remembers: not asked of the next one."""
BUDGET = Budget(
    cancellations=1,
    faults=(INTERRUPTED, INTERRUPTED_LATE, DENIED, CRASH, *CLOCK_FAULTS),
    fault_count=1,
)


@functools.cache
def all_judges() -> dict[str, Judge]:
    """Return the judge of each law of the machine, by the law's name."""
    found = {}
    for path in sorted(SPECS.glob("test_*.py")):
        if "\ndef judge(" in path.read_text(encoding="utf-8"):
            module = importlib.import_module(f"properties.specs.{path.stem}")
            found[path.stem.removeprefix("test_")] = module.judge
    return found


def scenario(
    workload: Workload,
    *,
    factory: SubjectFactory | None = None,
    judges: Mapping[str, Judge] | None = None,
    budget: Budget = BUDGET,
    heard: Callable[[Evidence], None] = lambda _evidence: None,
) -> Scenario:
    """Return the scenario of a workload; raises ``KeyError`` when nobody knows its subject.

    ``heard`` is shown the evidence that broke a law.
    """
    made = factory if factory is not None else CORE_SUBJECTS[workload.subject]
    play = _Play(workload, made, judges, heard)
    return Scenario(
        name=workload.name,
        sentence=workload.sentence,
        create_sql=";".join(Schema().create_statements()),
        reset_sql=RESET,
        observe_sql=OBSERVE,
        attempts=lambda _subject, _setting: [],
        contend=play.contend,
        open=play.open,
        close=play.close,
        budget=budget,
        law=play.verdict,
    )


class _Play:
    """The runs of one workload, one after the other."""

    def __init__(
        self,
        workload: Workload,
        factory: SubjectFactory,
        judges: Mapping[str, Judge] | None,
        heard: Callable[[Evidence], None],
    ) -> None:
        self._workload = workload
        self._factory = factory
        self._asked = judges
        self._heard = heard
        self._broken: str | None = None

    @property
    def _judges(self) -> Mapping[str, Judge]:
        return all_judges() if self._asked is None else self._asked

    async def open(self, setting: Setting) -> Outsider:
        with active.outside():
            return Outsider(setting.path)

    async def close(self, outsider: Outsider) -> None:
        outsider.close()

    def verdict(self, outcome: Outcome) -> str | None:
        """Say what the last run broke."""
        if self._broken is not None:
            return self._broken
        if LEFT_BEHIND not in self._judges:
            return None
        if outcome.stuck:
            return f"{LEFT_BEHIND}: somebody waits for ever"
        if outcome.leak_count:
            return f"{LEFT_BEHIND}: {outcome.leak_count} connections are left open"
        return None

    async def contend(self, outsider: Outsider, setting: Setting) -> Answers:
        self._broken = None
        run = _Run(self._factory, outsider, setting, dict(self._judges))
        await run.make()
        try:
            for phase in self._workload.phases:
                await run.phase(phase)
        except LawBrokenError as error:
            # Its sentence alone: the whole timeline of the schedule stands below it.
            self._broken = str(error).partition("\n\n")[0]
            for evidence in run.broken_by():
                self._heard(evidence)
        finally:
            await run.close()
        return tuple(run.answers)


class _Run:
    """One run: what was asked and answered so far."""

    def __init__(
        self,
        factory: SubjectFactory,
        outsider: Outsider,
        setting: Setting,
        judges: dict[str, Judge],
    ) -> None:
        self.answers: list[tuple[str, str]] = []
        self.has_died = False
        self._dies_now = False
        self._factory = factory
        self._subject = factory()
        self._outsider = outsider
        self._path = setting.path
        self._world = _world(setting)
        self._court = Court(judges)
        self._connection_probe = ConnectionProbe()
        self._clock = Clock()
        self._observer = Observer(self._clock, self._subject.layout)
        self._operations: list[Operation] = []
        self._backoffs: Counter[str] = Counter()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._event_count = 0

    def broken_by(self) -> Iterable[Evidence]:
        """Return the evidence that broke a law, if one is broken."""
        return self._court.broken_by.values()

    async def make(self) -> None:
        if hasattr(self._subject, "jitter"):
            self._subject.jitter = max  # no luck but the schedule's
        keep_what_is_shown(self._subject)
        await self._subject.make(self._path)

    async def close(self) -> None:
        await self._subject.close()

    async def _while_alive(self, what: Coroutine[Any, Any, object]) -> None:
        """Wait for it, or for the death of the process in which the attempts live."""
        waiting = asyncio.ensure_future(what)
        death = self._world.death()
        await asyncio.wait((waiting, death), return_when=asyncio.FIRST_COMPLETED)
        self._world.survive()
        if death.done():
            self._dies_now = self.has_died = True
            waiting.cancel()
            await asyncio.wait((waiting,))

    async def _rise_again(self) -> None:
        """Open the file as the next process does: it has a log of its own, and no memory."""
        self._dies_now = False
        self._court.judges = {
            law: judge for law, judge in self._court.judges.items() if law not in OF_ONE_PROCESS
        }
        for operation in self._operations:
            if operation.answer is None:
                operation.answer = Answer(kind=AnswerKind.UNKNOWN, detail="the process died")
                operation.end = self._clock.tick()
                operation.marks.append((operation.end, "schedule: the process died"))
        self._subject = self._factory()
        await self.make()

    async def phase(self, arrivals: tuple[Arrival, ...]) -> None:
        started = []
        for arrival in arrivals:
            name = LETTERS[len(self._tasks)]
            work = functools.partial(self._attempt, name, arrival)
            self._tasks[name] = self._world.expect(name, work)
            started.append(name)
        await self._while_alive(asyncio.wait([self._tasks[name] for name in started]))
        # Now: until all is quiet, every timer will have rung. The dead never end.
        strays = [] if self.has_died else task_findings()
        if not self._dies_now:
            await self._while_alive(self._world.quiet())
        await self._world.quiet()
        self._outsider.let_go()
        for name in started:
            task = self._tasks[name]
            if task.done() and not task.cancelled() and (error := task.exception()) is not None:
                raise error
        if self._dies_now:
            await self._rise_again()
        known = {each.attempt_id: each.kind.value for each in self._operations}
        self.answers += [(name, known.get(name, "cut off before it began")) for name in started]
        self._mark_faults()
        await self._hear(strays)

    async def _hear(self, strays: list[str]) -> None:
        asked = [each.attempt_id for each in self._operations if each.actor == "worker"]
        outcomes = {each: await self._subject.outcome_of(each) for each in asked}
        reads: dict[str, Row] = {
            name: await self._observer.read(self._subject, name) for name in FILES
        }
        leaks = [
            *strays,
            *self._connection_probe.findings(kept_count(self._subject)),
            *write_lock_findings(self._outsider.db),
        ]
        if self._subject.held_locks():
            leaks.append(f"{self._subject.held_locks()} file locks are held by nobody")
        self._court.examine(
            Evidence(
                operations=self._operations,
                snapshot=self._observer.look(self._outsider.db),
                log=self._subject.log(),
                outcomes=outcomes,
                reads=reads,
                leaks=leaks,
                backoffs=dict(self._backoffs),
                observations=self._observer.seen,
                shown=shown_by(self._subject),
                lifecycle=self._subject.lifecycle,
            )
        )

    def _mark_faults(self) -> None:
        """Write what the schedule did to an attempt where the laws look for it."""
        events = self._world.transcript.events
        by_name = {each.attempt_id: each for each in self._operations}
        for event in events[self._event_count :]:
            if event.kind is Kind.FAULT and event.actor in by_name:
                struck = by_name[event.actor]
                struck.marks.append((struck.begin, f"schedule: {plain(event.what)}"))
        self._event_count = len(events)

    async def _attempt(self, name: str, arrival: Arrival) -> None:
        file_path = FILES[arrival.file_index]
        operation = Operation(actor="worker", request=_NOTHING, begin=self._clock.tick())
        operation.request = Request(
            attempt_id=name,
            file_path=file_path,
            event=arrival.event,
            guard_says=arrival.guard_says,
            expected_version=arrival.expected_version,
            disturbances=(
                *((each.place, self._trouble(each, operation)) for each in arrival.troubles),
                (Place.BACKOFF, self._backing_off(operation)),
            ),
        )
        if self._outsider.holds_the_lock:  # taken on the way of an attempt that has ended
            operation.marks.append((operation.begin, "the outsider holds the lock"))
        self._operations.append(operation)
        self._world.note(f"-> {arrival.event} {file_path}")
        try:
            operation.answer = await self._subject.attempt(operation.request)
        except asyncio.CancelledError:
            operation.answer = Answer(kind=AnswerKind.CANCELLED)
        finally:
            operation.end = self._clock.tick()
        self._world.note(f"<- {operation.kind.value}")

    def _trouble(self, trouble: Trouble, operation: Operation) -> Disturbance:
        async def happen() -> None:
            operation.marks.append((self._clock.tick(), f"{trouble.place.value}: {trouble.what}"))
            self._world.note(f"{trouble.place.value}: {trouble.what}")
            if trouble.what == "raises":
                raise CallbackError(trouble.place.value)
            if trouble.what == "waits":
                await asyncio.sleep(trouble.size / 1000)
            elif trouble.what == "is cancelled":
                self._tasks[operation.attempt_id].cancel()
                await asyncio.sleep(0)
            elif trouble.what == "is overtaken":
                self._overtake(operation.request.file_path)
            elif trouble.what == "is locked out":
                self._touch_database()
                self._outsider.take_the_lock(trouble.size or None)

        return happen

    def _backing_off(self, operation: Operation) -> Disturbance:
        async def happen() -> None:
            self._backoffs[operation.attempt_id] += 1
            self._touch_database()
            self._outsider.see_a_backoff()

        return happen

    def _overtake(self, file_path: str) -> None:
        self._touch_database()
        attempt_id = f"outsider-{len(self._operations) + 1}"
        begin = self._clock.tick()
        moved = self._outsider.move(attempt_id, file_path)
        if moved is None:
            return
        event, source, target, version = moved
        request = Request(attempt_id=attempt_id, file_path=file_path, event=event)
        answer = Answer(
            kind=AnswerKind.SUCCESS, from_state=source, to_state=target, version=version
        )
        self._operations.append(
            Operation("outsider", request, begin, end=self._clock.tick(), answer=answer)
        )

    def _touch_database(self) -> None:
        """Say what the outsider, whom no worker carries, may have read and written."""
        self._world.touched_write |= footprints.ROWS | footprints.WRITE_LOCK


_NOTHING = Request(attempt_id="", file_path="", event="")


def _world(setting: Setting) -> World:
    if setting.simulation is None:
        raise RuntimeError("a workload of the rules runs in the simulation only.")
    return setting.simulation
