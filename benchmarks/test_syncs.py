"""How often a commit waits for the disk: each model at both levels, checkpoints counted apart.

On a disk, unlike the clocks: an fsync's time is the disk's, its number is ours.
"""

from __future__ import annotations

import pytest

from benchmarks.conftest import Measure
from benchmarks.counting.lanes import simulated
from benchmarks.counting.lock_step import Contention, LockStep
from benchmarks.models import MODELS
from benchmarks.sizes import sized
from benchmarks.subjects import Managed
from fsmcore import HandRolledAdapter, Synchronous

pytestmark = pytest.mark.benchmark(group="syncs")

TRANSITIONS = 400
"""Enough that the write-ahead log reaches SQLite's 1000 pages once, unless members share pages."""


@pytest.mark.parametrize("writer_count", sized([1], full=[1, 8]))
@pytest.mark.parametrize("level", ["NORMAL", "FULL"])
@pytest.mark.parametrize("way", MODELS)
def test_syncs(measured: Measure, way: str, level: str, writer_count: int) -> None:
    """A file each, so that a group can be one; who decides makes no difference to the disk."""
    lock_step = LockStep(
        Contention(
            make_subject=lambda: Managed(HandRolledAdapter, simulated(MODELS[way])),
            writer_count=writer_count,
            file_count=writer_count,
            transitions_per_round=TRANSITIONS,
        ),
        labels={"way": way, "adapter": "handrolled"},
        counts_calls=False,
    )
    measured(lock_step, rounds=1, warmup_rounds=0, synchronous=Synchronous[level])
