"""Every connection model that exists, by name: the one place where benchmarks learn of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from fsmcore import (
    ConnectionModel,
    FileLockManager,
    FileLocks,
    NoFileLocks,
    PerTransition,
    Synchronous,
)

Connections = Callable[[Synchronous], ConnectionModel]


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How transitions get their connections, and which locks spare them the races."""

    connections: Connections
    locks: Callable[[], FileLocks] = FileLockManager
    haste: int = 1
    """About how many times as fast as the default: how many more transitions make a round."""


def per_transition(synchronous: Synchronous) -> ConnectionModel:
    """Return the default connection model at a synchronous level."""
    return PerTransition(synchronous=synchronous)


def per_transition_unlocked(synchronous: Synchronous) -> ConnectionModel:
    """Return the default model without its writer lock: races meet in the database."""
    return PerTransition(synchronous=synchronous, fair_writer_lock=False)


MODELS: Mapping[str, Way] = {
    "per_transition": Way(connections=per_transition),
}
"""The connection models, as an application chooses one."""

UNLOCKED: Mapping[str, Way] = {
    "per_transition_unlocked": Way(connections=per_transition_unlocked, locks=NoFileLocks),
}
"""The same without the locks of the process: what several processes do to one another."""

WAYS: Mapping[str, Way] = {**MODELS, **UNLOCKED}
