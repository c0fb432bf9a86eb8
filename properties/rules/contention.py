"""Workers race on real time for real files, and are disturbed on the way.

A rule draws, acts and records; it never asserts. The interleaving inside a race is the machine's
own, so a failure may not come back: it is reported as it was seen, with its timeline.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from properties.faults.clock import with_clock
from properties.faults.struck import of_the_harness
from properties.history import Clock, Observer, Operation
from properties.probes import (
    ConnectionProbe,
    DescriptorProbe,
    ThreadProbe,
    task_findings,
    write_lock_findings,
)
from properties.reach import reached
from properties.rules.ambush import Ambush
from properties.rules.court import Court, Evidence
from properties.rules.outsider import Outsider
from properties.rules.troubles import FILE_LIMIT, CallbackError, Trouble, Work, works
from properties.scratch import scratch_folder
from properties.subjects import (
    Answer,
    AnswerKind,
    Disturbance,
    Offer,
    Place,
    Request,
    Subject,
)
from properties.subjects.protocol import (
    Row,
    SubjectFactory,
    keep_what_is_shown,
    kept_count,
    shown_by,
)

Script = list[tuple[str, dict[str, Any]]]
"""The rules that were followed, in order, with what was drawn for each."""


def drawn(**strategies: Any) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """A rule of Hypothesis whose use is kept in the machine's script."""

    def decorate(act: Callable[..., None]) -> Callable[..., None]:
        @rule(**strategies)
        @functools.wraps(act)
        def followed(self: ContentionRules, **values: Any) -> None:
            self.script.append((act.__name__, values))
            act(self, **values)

        made: Callable[..., None] = followed
        return made

    return decorate


class ContentionRules(RuleBasedStateMachine):
    """One database, one subject, one outsider. Subclassed with a ``court`` and a ``subject``.

    What was drawn is ``noted`` when it has ended.
    """

    make_subject: ClassVar[SubjectFactory]
    court: ClassVar[Court]
    tally: ClassVar[Counter[str]]

    @staticmethod
    def noted(script: Script) -> None:
        """Keep what was drawn; here nobody wants it."""

    def __init__(self) -> None:
        """Make a fresh database in a fresh folder."""
        super().__init__()
        self.tally["examples"] += 1
        self.script: Script = []
        self._cleanup = contextlib.ExitStack()
        folder = self._cleanup.enter_context(scratch_folder())
        self._ambush = Ambush()
        self._cleanup.enter_context(self._ambush.around(folder))
        self._connection_probe = ConnectionProbe()
        self._thread_probe = ThreadProbe()
        self._descriptor_probe = DescriptorProbe(folder)
        # By the loop itself: `Runner.run` sets SIGINT's handler anew each time, which adds up.
        loop = self._cleanup.enter_context(asyncio.Runner()).get_loop()
        self._run = loop.run_until_complete
        self._subject: Subject = with_clock(type(self).make_subject, self._ambush.now)()
        keep_what_is_shown(self._subject)
        path = os.path.join(folder, "files.db")
        self._run(self._subject.make(path))
        with of_the_harness():
            self._outsider = Outsider(path, self._subject.layout, self._subject.lifecycle)
        self._clock = Clock()
        self._operations: list[Operation] = []
        self._observer = Observer(self._clock, self._subject.layout)
        self._backoffs: Counter[str] = Counter()
        self._settled: set[str] = set()
        self._tasks: dict[str, asyncio.Future[None]] = {}
        self._files: list[str] = []
        self._has_news = False
        self._leaks: list[str] = []
        self._settled_at = 0
        self.a_file_is_tracked()
        self.script.clear()

    def teardown(self) -> None:
        """Close everything, then judge what is left."""
        self.noted(self.script)
        try:
            self._outsider.let_go()
            shot = self._observer.look(self._outsider.db)
            self._outsider.close()
            self._run(self._subject.close())
            self._leaks = [
                *self._descriptor_probe.findings(),
                *self._connection_probe.findings(0),
                *self._thread_probe.findings(0),
            ]
            if self._leaks:
                self.court.examine(self._evidence(shot, {}, {}))
        finally:
            self._connection_probe.forget()
            self._cleanup.close()

    # Rules: draw, act, record.

    @precondition(lambda self: len(self._files) < FILE_LIMIT)
    @drawn()
    def a_file_is_tracked(self) -> None:
        """Add one more file."""
        name = f"file {len(self._files)}"
        self._run(self._subject.seed(name))
        self._files.append(name)

    @drawn(
        race=st.lists(works, min_size=1, max_size=5),
        glances=st.lists(
            st.tuples(st.integers(0, FILE_LIMIT - 1), st.integers(0, 200)), max_size=2
        ),
    )
    def workers_race(self, race: list[Work], glances: list[tuple[int, int]]) -> None:
        """Start every worker at once, disturb them as drawn, look beside them, wait for all.

        A glance is a file and how many turns pass before it is read.
        """
        self._run(self._race(race, glances))
        self._has_news = True

    @drawn(work=works)
    def a_worker_is_alone(self, work: Work) -> None:
        """One worker, so that what happened to it is its own doing."""
        self._run(self._race([work]))
        self._has_news = True

    @drawn(file_index=st.integers(0, FILE_LIMIT - 1))
    def an_outsider_moves_a_row(self, file_index: int) -> None:
        """Another process's transition between ours."""
        self._overtake(self._file(file_index))
        self._has_news = True

    # The court.

    @invariant()
    def every_law_holds(self) -> None:
        """Gather the evidence and ask the court, after each step that made news."""
        if not self._has_news:
            return
        self._has_news = False
        shot = self._observer.look(self._outsider.db)
        outcomes, reads = self._run(self._ask())
        self._leaks = [
            *self._connection_probe.findings(kept_count(self._subject) + 1),
            *self._thread_probe.findings(kept_count(self._subject)),
            *write_lock_findings(self._outsider.db),
            *self._run(_tasks()),
        ]
        if self._subject.held_locks():
            self._leaks.append(f"{self._subject.held_locks()} file locks are held by nobody")
        self.tally["steps"] += 1
        self.court.examine(self._evidence(shot, outcomes, reads))
        self._settled_at = self._clock.tick()

    def _evidence(
        self, shot: Any, outcomes: dict[str, bool | None], reads: dict[str, Row]
    ) -> Evidence:
        return Evidence(
            operations=self._operations,
            snapshot=shot,
            log=self._subject.log(),
            outcomes=outcomes,
            reads=reads,
            leaks=self._leaks,
            backoffs=dict(self._backoffs),
            observations=self._observer.seen,
            shown=shown_by(self._subject),
            settled_at=self._settled_at,
            lifecycle=self._subject.lifecycle,
        )

    async def _ask(self) -> tuple[dict[str, bool | None], dict[str, Row]]:
        asked = self._to_ask() if Offer.OUTCOMES in self._subject.offers else []
        outcomes = {
            each.attempt_id: await self._subject.outcome_of(each.attempt_id) for each in asked
        }
        self._settled |= {name for name, outcome in outcomes.items() if outcome is not None}
        for each in asked:
            if each.kind is AnswerKind.CANCELLED and outcomes[each.attempt_id] is not None:
                found = "committed" if outcomes[each.attempt_id] else "not committed"
                reached(f"by hand: cut off, and {found}")
        return outcomes, {
            name: await self._observer.read(self._subject, name) for name in self._files
        }

    def _to_ask(self) -> list[Operation]:
        """Return whose outcome was never told, and the first of all.

        A question costs a connection. What was told once stays in the journal, which the laws read
        after every step; what a subject only remembers, it forgets of the oldest first.
        """
        workers = [each for each in self._operations if each.actor == "worker"]
        open_ones = [each for each in workers if each.attempt_id not in self._settled]
        return [*(each for each in workers[:1] if each not in open_ones), *open_ones]

    # Acting.

    def _file(self, index: int) -> str:
        return self._files[index % len(self._files)]

    def _files_with_an_edge(self) -> list[str]:
        rows = self._outsider.db.execute(self._subject.layout.rows).fetchall()
        states = {name: state for name, state, _ in rows}
        edges_from = self._subject.lifecycle.edges_from
        return [name for name in self._files if edges_from(states[name])]

    async def _race(self, race: Sequence[Work], glances: Sequence[tuple[int, int]] = ()) -> None:
        try:
            # All are called before any runs, so that who shares a race is never taken for alone.
            prepared = [(work, self._prepared(work)) for work in race]
            workers = []
            for work, operation in prepared:
                worker = asyncio.ensure_future(self._work(operation))
                self._tasks[operation.attempt_id] = worker
                workers.append(worker)
                if work.cancel_after_turns is not None:
                    workers.append(asyncio.ensure_future(_cancel(worker, work)))
            workers += [asyncio.ensure_future(self._glance(*glance)) for glance in glances]
            await asyncio.wait(workers)
        finally:
            self.tally["faults fired"] += self._ambush.lift()
            self._outsider.let_go()
            self._tasks.clear()
        for worker in workers:
            if not worker.cancelled() and (error := worker.exception()) is not None:
                raise error  # the harness's own, or a subject that broke its protocol

    def _prepared(self, work: Work) -> Operation:
        name = self._file(work.file_index)
        if work.aim == "legal":
            names = self._files_with_an_edge() or self._files
            name = names[work.file_index % len(names)]
        # Not by the subject: nothing has happened since it was asked for every file.
        ((state, version),) = self._outsider.db.execute(self._subject.layout.row, (name,))
        lifecycle = self._subject.lifecycle
        legal = list(lifecycle.edges_from(state))
        event = lifecycle.events[work.event_index % len(lifecycle.events)]
        if work.aim == "legal" and legal:
            event = legal[work.edge_index % len(legal)]
        expected = {"any": None, "now": version, "before": max(0, version - 1)}
        number = len(self._operations) + 1
        operation = Operation(actor="worker", request=_NOTHING, begin=self._clock.tick())
        operation.request = Request(
            attempt_id=f"attempt-{number}",
            file_path=name,
            event=event,
            guard_says=work.guard_says,
            expected_version=expected[work.expecting],
            disturbances=(
                *((each.place, self._trouble(each, operation)) for each in work.troubles),
                (Place.BACKOFF, self._backing_off(operation)),
            ),
        ).within(self._subject.offers)
        self._operations.append(operation)
        return operation

    async def _work(self, operation: Operation) -> None:
        self.tally["attempts"] += 1
        try:
            operation.answer = await self._subject.attempt(operation.request)
        except asyncio.CancelledError:
            operation.answer = Answer(kind=AnswerKind.CANCELLED)
        finally:
            operation.end = self._clock.tick()
        self.tally[operation.kind.value] += 1
        if operation.kind is AnswerKind.STALE and self._backoffs[operation.attempt_id]:
            reached("by hand: stale after a backoff")

    async def _glance(self, file_index: int, turn_count: int) -> None:
        for _ in range(turn_count):
            await asyncio.sleep(0)
        try:
            await self._observer.read(self._subject, self._file(file_index))
        except Exception:
            if not self._ambush.has_struck:
                raise
            self.tally["reads struck"] += 1
        if not self._outsider.holds_the_lock:
            self._outsider.db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
            reached("by hand: a checkpoint while attempts run")

    def _trouble(self, trouble: Trouble, operation: Operation) -> Disturbance:
        async def happen() -> None:
            operation.marks.append((self._clock.tick(), f"{trouble.place.value}: {trouble.what}"))
            self.tally[f"{trouble.what} at {trouble.place.value}"] += 1
            reached(f"trouble: {trouble.what} at {trouble.place.value}")
            if trouble.what == "raises":
                raise CallbackError(trouble.place.value)
            if trouble.what == "waits":
                for _ in range(trouble.size):
                    await asyncio.sleep(0)
            elif trouble.what in ("is cancelled", "is cancelled twice"):
                # Not the current task: a guard may run in one of its own.
                task = self._tasks[operation.attempt_id]
                task.cancel()
                if trouble.what == "is cancelled twice":
                    asyncio.get_running_loop().call_soon(task.cancel)
                await asyncio.sleep(0)
            elif trouble.what == "is overtaken":
                self._overtake(operation.request.file_path)
            elif trouble.what == "is locked out":
                self._outsider.take_the_lock(trouble.size or None)
            else:
                self._ambush.lay(trouble.what, trouble.size)

        return happen

    def _backing_off(self, operation: Operation) -> Disturbance:
        async def happen() -> None:
            self._backoffs[operation.attempt_id] += 1
            self._outsider.see_a_backoff()

        return happen

    def _overtake(self, file_path: str) -> None:
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


_NOTHING = Request(attempt_id="", file_path="", event="")


async def _cancel(worker: asyncio.Future[None], work: Work) -> None:
    for _ in range(work.cancel_after_turns or 0):
        if worker.done():
            return
        await asyncio.sleep(0)
    worker.cancel()


async def _tasks() -> list[str]:
    return task_findings()
