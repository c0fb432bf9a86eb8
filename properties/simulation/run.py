"""What became of one run: its value, its choices, its transcript, and why it could not end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from properties.simulation.escapes import EscapeError
from properties.simulation.transcript import Transcript

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
    did not end by itself, ``leaks`` names workers that outlived it. ``descriptions`` say what each
    deviation did, and ``marks`` which event of the transcript it was.
    """

    value: T | None
    error: BaseException | None
    transcript: Transcript
    choices: tuple[int, ...]
    widths: tuple[int, ...]
    descriptions: dict[int, str]
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
