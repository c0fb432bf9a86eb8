"""100,000 transitions leave nothing behind that grows."""

from __future__ import annotations

import pytest

from benchmarks.conftest import Measure
from benchmarks.models import MODELS
from benchmarks.subjects import Managed
from benchmarks.workloads.long_run import LongRun
from fsmcore import StateMachineAdapter

pytestmark = pytest.mark.benchmark(group="memory")

ROUNDS = 50
TRANSITIONS_PER_ROUND = 2000

DEFAULT, *OTHERS = MODELS
CELLS = [DEFAULT, *(pytest.param(each, marks=pytest.mark.full) for each in OTHERS)]


@pytest.mark.parametrize("way", CELLS)
def test_memory(measured: Measure, way: str) -> None:
    """The whole manager with python-statemachine, whose machines only the collector frees."""
    long_run = LongRun(
        Managed(StateMachineAdapter, MODELS[way]), transitions_per_round=TRANSITIONS_PER_ROUND
    )
    measured(long_run, rounds=ROUNDS, warmup_rounds=0, way=way)
