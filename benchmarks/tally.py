"""What went wrong on the way to a commit."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from fsmcore import (
    FsmCoreError,
    GuardRejectedError,
    StaleTransitionError,
    StoreBusyError,
    TransitionNotAllowedError,
)

REJECTIONS = (GuardRejectedError, TransitionNotAllowedError)


@dataclass(slots=True)
class Tally:
    """A try that was made again and a final one count alike."""

    retry_count: int = 0
    busy_count: int = 0
    stale_count: int = 0
    rejected_count: int = 0
    cancelled_count: int = 0
    unknown_count: int = 0
    gave_up_count: int = 0
    waited_ms: float = 0.0

    def note_retry(self, error: FsmCoreError, _tries: int, wait_ms: float) -> None:
        """Count a try that is made again."""
        self.retry_count += 1
        self.waited_ms += wait_ms
        self._note_kind(error)

    def note_end(self, error: FsmCoreError | asyncio.CancelledError) -> None:
        """Count an attempt that ended without a commit that its caller heard of."""
        if isinstance(error, asyncio.CancelledError):
            self.cancelled_count += 1
        elif isinstance(error, REJECTIONS):
            self.rejected_count += 1
        elif error.outcome_unknown:
            self.unknown_count += 1
        else:
            self.gave_up_count += 1
            self._note_kind(error)

    def _note_kind(self, error: FsmCoreError) -> None:
        self.busy_count += isinstance(error, StoreBusyError)
        self.stale_count += isinstance(error, StaleTransitionError)
