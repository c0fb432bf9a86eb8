"""Laws are functions from evidence; the court asks each of them after every step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from properties.history import timeline
from properties.sighting import sighted
from properties.text import told

if TYPE_CHECKING:
    from properties.history import Observation, Operation, Snapshot
    from properties.subjects.lifecycle import Lifecycle
    from properties.subjects.protocol import LogRecord, Row, Shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Everything known when nothing is running: asked, answered, logged, written, left behind.

    ``outcomes`` are the subject's own answers to "what became of this attempt" (None: unknown),
    ``reads`` its reads of each file now, ``observations`` all reads so far by whomever, ``leaks``
    what the probes found, ``backoffs`` how often each attempt slept between tries, ``shown`` what
    guards and callbacks were shown, in order, ``lifecycle`` the subject's. ``settled_at`` is the
    moment of the last rest when every law held; 0: none.
    """

    operations: list[Operation]
    snapshot: Snapshot
    log: list[LogRecord]
    outcomes: dict[str, bool | None]
    reads: dict[str, Row]
    leaks: list[str]
    backoffs: dict[str, int]
    lifecycle: Lifecycle
    observations: list[Observation] = field(default_factory=list)
    shown: list[Shown] = field(default_factory=list)
    settled_at: int = 0

    def alone(self) -> Evidence:
        """Return the same without what its callbacks and errors refer to: loops, tasks, frames."""
        return replace(self, operations=[_alone(each) for each in self.operations])


def _alone(operation: Operation) -> Operation:
    answer = None if operation.answer is None else replace(operation.answer, error=None)
    request = replace(operation.request, disturbances=())
    return replace(operation, request=request, answer=answer)


Judge = Callable[[Evidence], None]
"""Raises ``AssertionError`` when its law is broken."""


class LawBrokenError(AssertionError):
    """A law does not hold. Each law has a subclass of its own, so that shrinking keeps to it."""


@dataclass(slots=True)
class Court:
    """The judges by law, what they were shown, and what they found first."""

    judges: dict[str, Judge]
    hearings: int = 0
    verdicts: dict[str, str] = field(default_factory=dict)
    broken_by: dict[str, Evidence] = field(default_factory=dict)
    _classes: dict[str, type[LawBrokenError]] = field(default_factory=dict)

    def examine(self, evidence: Evidence) -> None:
        """Ask every law that is still in court; raise the first one's error."""
        self.hearings += 1
        for law, judge in self.judges.items():
            try:
                judge(evidence)
            except AssertionError as error:
                sighted(law)
                self.verdicts[law] = (
                    f"{told(error)}\n\n{timeline(evidence.operations, evidence.settled_at)}"
                )
                self.broken_by[law] = evidence
                made = self._classes.setdefault(law, type(law, (LawBrokenError,), {}))
                raise made(f"{law}: {error}") from error
