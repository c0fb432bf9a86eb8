"""What became of one run: its value, its choices, its transcript, and why it could not end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from properties.simulation.escapes import EscapeError
from properties.simulation.scheduler import Action, Option
from properties.simulation.transcript import CallText, Kind, Transcript

T = TypeVar("T")


class StuckError(Exception):
    """Nothing can happen any more, and somebody still waits."""


class RunawayError(Exception):
    """The run did not end within its step limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run(Generic[T]):
    """What became of one run.

    ``value`` is what the main coroutine returned. ``choices`` holds each choice made and
    ``widths`` among how many; ``deviations`` are those that were not 0. ``stuck`` says why the run
    did not end by itself, ``leaks`` names workers that outlived it. ``switches`` holds the option
    that each deviation took, and ``marks`` which event of the transcript it was.
    """

    value: T | None
    error: BaseException | None
    transcript: Transcript
    choices: tuple[int, ...]
    widths: tuple[int, ...]
    switches: dict[int, Option]
    marks: tuple[int, ...]
    stuck: str | None
    escapes: tuple[EscapeError, ...]
    leaks: tuple[str, ...]
    is_pruned: bool
    step_count: int

    @property
    def deviations(self) -> dict[int, int]:
        """The choices that were not polite, by choice point."""
        return {index: choice for index, choice in enumerate(self.choices) if choice}

    @property
    def descriptions(self) -> dict[int, str]:
        """One short line for each deviation: what it did. Made late: most are never read."""
        return {
            index: self._described(option, mark)
            for (index, option), mark in zip(self.switches.items(), self.marks, strict=True)
        }

    def _described(self, option: Option, mark: int) -> str:
        detail = option.target
        if option.action is Action.CALL:
            later = self.transcript.events[mark:]
            call = next((event.what for event in later if event.kind is Kind.CALL), None)
            if isinstance(call, CallText):
                detail = call.operation if call.sql is None else " ".join(call.sql.split())
        return " ".join(word for word in (option.action.value, option.actor, detail) if word)
