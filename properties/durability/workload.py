"""A workload, which is what the processes of a run do, and what one run of it showed."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """What the processes of a run do, how many there are, and the law that it asks."""

    name: str
    law: str
    sentence: str
    leans_on: str | None
    module: str
    default_count: int
    has_checkpointer: bool = True
    is_killed: bool = True
    hang: str = "no progress, no CPU time"

    def committer_count(self, process_count: int) -> int:
        """Return how many of the processes commit; one checkpoints, where there is such a role."""
        return max(1, process_count - self.has_checkpointer)


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What one run showed. `trouble` is what kept it from being judged."""

    acknowledged_count: int = 0
    checkpoint_count: int = 0
    kill_count: int = 0
    reread_count: int = 0
    audit_count: int = 0
    lost: list[str] = field(default_factory=list)
    hung: list[str] = field(default_factory=list)
    first_loss_s: float | None = None
    elapsed_s: float = 0.0
    integrity: str = "not asked"
    trouble: str | None = None

    @property
    def is_clean(self) -> bool:
        """Nothing lost, nothing hung, and all that can be lost was tried."""
        return not (self.lost or self.hung or self.trouble)
