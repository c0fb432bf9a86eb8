"""Asks the scheduler what happens next, and tells it what was touched."""

from __future__ import annotations

import asyncio

from properties.simulation.budget import Budget
from properties.simulation.loop import ACTOR
from properties.simulation.performing import Performing
from properties.simulation.run import RunawayError, StuckError
from properties.simulation.scheduler import Action, Footprint, Option, Point, PrunedRun
from properties.simulation.schedulers.polite import PoliteScheduler

_NOBODY_READY = Option(Action.READY, "", "")
_new = tuple.__new__  # twice as fast as calling a NamedTuple, and these are made for each call


class Deciding(Performing):
    """A world that moves on by choices."""

    def runs(self, handle: asyncio.Handle) -> None:
        """Take note of whose callback runs next."""
        actor = handle._context.get(ACTOR)  # type: ignore[attr-defined]
        if actor is not None:
            self.touched_write |= actor.bit
            leader = self._leader
            if actor is not leader and actor.outstanding_count and self._watcher is not None:
                if self._clock_leads:
                    self._watcher.clock_interferes()
                elif leader is not None and leader.index > 0:  # main only starts actors
                    self._watcher.broken_assumption(
                        f"{leader.name} woke {actor.name}, who had a database call outstanding"
                    )

    def decide(self) -> None:
        """Let one thing happen; called when no callback is ready."""
        self._step_count += 1
        if self._step_count > self._step_limit:
            raise RunawayError(f"no end after {self._step_limit} steps.")
        options, subjects = self._outer_options()
        if len(options) > 1 or (options and self._watcher is not None):
            chosen = self._choose(_new(Point, (options, False, subjects)))
        elif options:
            chosen = 0
        elif self._quiet is None:
            raise StuckError(self._who_waits())
        else:
            self._quiet.set_result(None)
            self._quiet = None
            return
        self._perform(options[chosen], subjects[chosen])

    def decide_at_ready(self) -> bool:
        """Return True to run the next callback; otherwise something else has happened."""
        if self._has_just_landed and not self._budget.callbacks_interleave:
            # Nothing has run since the landing: a cancellation here is one before the landing.
            self._has_just_landed = False
            return True
        head = self.loop.head()
        actor = head._context.get(ACTOR) if not head._cancelled else None  # type: ignore[attr-defined]
        options = [actor.ready_option if actor is not None else _NOBODY_READY]
        subjects: list[object] = [None]
        if self._budget.callbacks_interleave:
            more, about = self._outer_options(polite_clock=False)
            options += more
            subjects += about
        else:
            for each in self._can_be_cancelled():
                if each is actor or not each.outstanding_count:
                    options.append(each.cancel_option)
                    subjects.append(each)
        if len(options) == 1:
            return True
        self._step_count += 1
        if self._step_count > self._budget.step_limit:
            raise RunawayError(f"no end after {self._budget.step_limit} steps.")
        chosen = self._choose(_new(Point, (options, True, subjects)))
        if chosen == 0:
            return True
        self._perform(options[chosen], subjects[chosen])
        return False

    def _choose(self, point: Point) -> int:
        options = point.options
        n = len(options)
        try:
            if self._watcher is not None:
                self._tell_watcher()
                if n == 1:
                    self._watcher.forced(point)
                    return 0
            chosen = self._scheduler.choose(n, point)
        except PrunedRun:
            self._is_pruned = True
            self._scheduler, self._watcher = PoliteScheduler(), None
            self._budget = Budget(step_limit=self._budget.step_limit)
            self._update_attention()
            return 0
        if not 0 <= chosen < n:
            raise ValueError(f"the scheduler chose {chosen} among {n} options.")
        if chosen:
            self._switches[len(self._choices)] = options[chosen]
            self._marks.append(len(self.transcript.events))
        self._choices.append(chosen)
        self._widths.append(n)
        return chosen

    def _tell_watcher(self) -> None:
        if self._watcher is not None:
            self._watcher.touched(_new(Footprint, (self.touched_read, self.touched_write)))
        self.touched_read = self.touched_write = 0

    def _end_watch(self) -> None:
        self._tell_watcher()
        try:
            if self._watcher is not None:
                self._watcher.end()
        except PrunedRun:
            self._is_pruned = True
