"""What can happen next: the options of a choice point, the last actor's own ones first."""

from __future__ import annotations

from collections.abc import Sequence

from properties.simulation import footprints, seam
from properties.simulation.actor import Actor
from properties.simulation.loop import ACTOR
from properties.simulation.scheduler import Action, Option
from properties.simulation.world import World


class Offering(World):
    """A world that knows what can happen in it."""

    def _outer_options(self, *, polite_clock: bool = True) -> tuple[list[Option], list[object]]:
        """Return what can happen beside running a callback; first what the last actor can do."""
        last = self._last
        options: list[Option] = []
        subjects: list[object] = []
        place = 0  # where the last actor's own options go
        for arrival in self._arrivals:
            options.append(arrival[0].start_option)
            subjects.append(arrival)
        for worker in self.workers:  # kept in the order of their names
            if worker.results:
                actor = worker.results[0][0]
                option = worker.land if actor is worker.maker else worker.land_option(actor)
                if actor is last:
                    options.insert(place, option)
                    subjects.insert(place, worker)
                    place += 1
                else:
                    options.append(option)
                    subjects.append(worker)
            if worker.queue.items:
                actor = worker.submitters[0]
                option = worker.call if actor is worker.maker else worker.call_option(actor)
                if actor is last:
                    options.insert(place, option)
                    subjects.insert(place, worker)
                    place += 1
                else:
                    options.append(option)
                    subjects.append(worker)
        if self.loop._scheduled:
            self._add_clock(options, subjects, polite_clock=polite_clock)
        if self._may_strike:
            self._add_faults(options, subjects)
        return options, subjects

    def _add_faults(self, options: list[Option], subjects: list[object]) -> None:
        """Add what the budget pays for; a scheduler may rely on it that these come last."""
        budget, spent = self._budget, self._spent
        for actor in self._can_be_cancelled():
            options.append(actor.cancel_option)
            subjects.append(actor)
        if spent.overlaps < budget.overlaps:
            self._add_overlaps(options, subjects)
        if options and spent.faults < budget.fault_count:  # a world at rest is not disturbed
            for fault in budget.faults:
                for actor in fault.actors(self):
                    options.append(Option(Action.FAULT, actor.name, fault.name))
                    subjects.append((fault, actor))

    def _add_clock(
        self, options: list[Option], subjects: list[object], *, polite_clock: bool
    ) -> None:
        is_early = bool(options) or not polite_clock
        has_budget = self._spent.early_clocks < self._budget.early_clocks
        if is_early and not has_budget:
            return
        if self._watcher is not None and has_budget and self._timer_meets_a_call():
            self._watcher.clock_interferes()
        times = self.loop.timer_times()
        if times:
            options.append(Option(Action.CLOCK, "", "early" if is_early else ""))
            subjects.append(times[0])
        if len(times) > 1 and has_budget:
            options.append(Option(Action.CLOCK, "", "late"))
            subjects.append(times[1])

    def _timer_meets_a_call(self) -> bool:
        """Return whether a timer may strike somebody who has a database call outstanding."""
        for timer in self.loop._scheduled:
            if not timer._cancelled:
                actor = timer._context.get(ACTOR)  # type: ignore[attr-defined]
                if actor is None or actor.outstanding_count:
                    return True
        return False

    def _can_be_cancelled(self) -> Sequence[Actor]:
        if self._spent.cancellations >= self._budget.cancellations:
            return ()
        return [
            actor
            for actor in self.actors
            if actor.index and actor.task and not (actor.is_dead or actor.task.done())
        ]

    def _add_overlaps(self, options: list[Option], subjects: list[object]) -> None:
        if any(worker.holds_lock for worker in self.workers):
            return  # then SQLite answers BUSY without our help
        pending = [worker for worker in self.workers if worker.queue.items]
        for writer in pending:
            call = seam.describe(writer.queue.items[0])
            if not footprints.is_lone_write(
                call.sql, in_transaction=seam.in_transaction(call.native)
            ):
                continue
            for worker in pending:
                if worker is not writer:
                    actor = worker.submitters[0]
                    options.append(Option(Action.FAULT, actor.name, f"overlap {writer.name}"))
                    subjects.append(worker)

    def _who_waits(self) -> str:
        waiting = [
            actor.name for actor in self.actors if actor.task is not None and not actor.task.done()
        ]
        return f"nothing can happen any more, and these still wait: {', '.join(waiting)}."

    def _update_attention(self) -> None:
        budget = self._budget
        self.is_attentive = (
            budget.callbacks_interleave or self._spent.cancellations < budget.cancellations
        )
        self._may_strike = bool(budget.cancellations or budget.overlaps or budget.fault_count)
