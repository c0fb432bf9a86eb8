"""Every connection model that exists, by name: the one place where benchmarks learn of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fsmcore import (
    ConnectionModel,
    FileLockManager,
    FileLocks,
    NoFileLocks,
    PerTransition,
    Pooled,
    Synchronous,
)
from fsmcore.connections import MODELS as NAMED

Make = Callable[..., ConnectionModel]
Connections = Callable[[Synchronous], ConnectionModel]


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How transitions get their connections, and which locks spare them the races."""

    make: Make
    options: Mapping[str, Any]  # what ``make`` takes beside ``synchronous``
    locks: Callable[[], FileLocks] = FileLockManager
    haste: int = 1
    """How many times as many transitions make a round: the fast models need more of them."""

    def connections(self, synchronous: Synchronous) -> ConnectionModel:
        """Return a new model."""
        return self.make(synchronous=synchronous, **self.options)


HASTE = {"direct": 2, "pooled": 4, "single-writer": 4, "group-commit": 8}

MODELS: Mapping[str, Way] = {
    name: Way(make=make, options={}, haste=HASTE.get(name, 1)) for name, make in NAMED.items()
}
"""The connection models, as an application chooses one."""

UNLOCKED: Mapping[str, Way] = {
    f"{name}-unlocked": Way(
        make=make, options={"fair_writer_lock": False}, locks=NoFileLocks, haste=HASTE.get(name, 1)
    )
    for name, make in (("per-transition", PerTransition), ("pooled", Pooled))
}
"""The same without the locks of the process: what several processes do to one another."""

WAYS: Mapping[str, Way] = {**MODELS, **UNLOCKED}

DEFAULT = MODELS["per-transition"]


def per_transition(synchronous: Synchronous) -> ConnectionModel:
    """Return the default connection model at a synchronous level."""
    return DEFAULT.connections(synchronous)
