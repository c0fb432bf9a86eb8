"""Who acts: an attempt of a scenario, and whatever it starts."""

from __future__ import annotations

import asyncio
import contextvars
from dataclasses import dataclass, field
from typing import Any

from properties.simulation.scheduler import Action, Option


@dataclass(slots=True, eq=False)
class Actor:
    """Who acts: an attempt, with all the tasks and workers that it starts."""

    name: str
    index: int
    bit: int
    context: contextvars.Context
    task: asyncio.Task[Any] | None = None
    worker_count: int = 0
    is_dead: bool = False
    ready_option: Option = field(init=False)
    start_option: Option = field(init=False)
    cancel_option: Option = field(init=False)
    outstanding_count: int = 0
    """Calls submitted and not yet landed: while there are any, only they can wake it."""

    def __post_init__(self) -> None:
        """Make the options once that are offered again and again."""
        self.ready_option = Option(Action.READY, self.name, "")
        self.start_option = Option(Action.START, self.name, "")
        self.cancel_option = Option(Action.FAULT, self.name, "cancel")
