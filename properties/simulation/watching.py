"""Looks on while a search runs: says where it stands, keeps its file, and lets Ctrl-C wait."""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path
from types import FrameType, TracebackType
from typing import Self

from properties.session import QUIET_S
from properties.simulation import saving
from properties.simulation.explore import Exploration
from properties.simulation.schedulers.exhaustive import ExhaustiveScheduler
from properties.simulation.world import Sharing

SAVE_EVERY_S = 3.0


class Onlooker:
    """Give it to ``explore`` as ``watch``, inside ``with``. Without ``path`` nothing is kept.

    With one, Ctrl-C is raised on leaving: the search stops between two runs, and the file holds
    all of them.
    """

    def __init__(
        self,
        what: str,
        *,
        path: Path | None = None,
        identity: dict[str, str] | None = None,
        shard: str = "",
    ) -> None:
        self._what = what
        self._path = path
        self._identity = identity if identity is not None else {}
        self._shard = shard
        self._is_interrupted = False
        self._before: signal.Handlers | object = None
        self._said_s = self._saved_s = time.monotonic()
        self._said_count = 0

    def __enter__(self) -> Self:
        """Take Ctrl-C in hand where a file is kept."""
        if self._path is not None:
            self._before = signal.signal(signal.SIGINT, self._interrupt)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give Ctrl-C back, and raise it if it came."""
        if self._path is not None:
            signal.signal(signal.SIGINT, self._before)  # type: ignore[arg-type]
        if self._is_interrupted and error is None:
            raise KeyboardInterrupt

    def _interrupt(self, _number: int, _frame: FrameType | None) -> None:
        self._is_interrupted = True

    def __call__(
        self, found: Exploration, scheduler: ExhaustiveScheduler, sharing: Sharing
    ) -> bool:
        """Look; True asks the search to stop."""
        now_s = time.monotonic()
        if now_s - self._said_s >= QUIET_S:
            self._say(found, scheduler, now_s - self._said_s)
            self._said_s = now_s
        if self._path is not None:
            is_due = now_s - self._saved_s >= SAVE_EVERY_S
            if is_due or found.is_complete or self._is_interrupted:
                saved = saving.save(
                    found,
                    scheduler,
                    sharing=sharing,
                    wanted=self._identity,
                    shard=self._shard,
                )
                saving.write(self._path, saved)
                self._saved_s = time.monotonic()
            if self._is_interrupted:
                print(
                    f"kept in {self._path.name}; the same command goes on.",
                    file=sys.stderr,
                    flush=True,
                )
        return self._is_interrupted

    def _say(self, found: Exploration, scheduler: ExhaustiveScheduler, since_s: float) -> None:
        count = found.run_count + found.cut_count
        rate = (count - self._said_count) / since_s
        self._said_count = count
        print(
            f"{self._what}: {count:,} schedules ({found.cut_count:,} cut), "
            f"{len(found.outcomes)} outcomes, {rate:,.0f}/s; at depth {scheduler.depth}, "
            f"{scheduler.open_count()} options open on the way back",
            file=sys.stderr,
            flush=True,
        )
