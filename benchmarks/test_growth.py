"""What a transition costs as the table grows, each size beside a table of a hundred files.

The ratio is taken between neighbours, round by round, so that it survives a slow or busy host.
"""

from __future__ import annotations

import pytest

from benchmarks.choices import scattered
from benchmarks.closed_loop import ClosedLoop
from benchmarks.conftest import Measure
from benchmarks.models import MODELS, Way
from benchmarks.sizes import sized
from benchmarks.subjects import StoreOnly

pytestmark = pytest.mark.benchmark(group="growth")

ROUNDS = 15
TRANSITIONS = 60
FEW = 100

DEFAULT, *OTHERS = MODELS
CELLS = [DEFAULT, *(pytest.param(each, marks=pytest.mark.full) for each in OTHERS)]


@pytest.mark.parametrize(
    "file_count", sized([100, 10_000, 1_000_000], full=[100, 1000, 10_000, 100_000, 1_000_000])
)
@pytest.mark.parametrize("way", CELLS)
def test_files(measured: Measure, way: str, file_count: int) -> None:
    """The store alone, on files all over the table."""
    model = MODELS[way]
    measured(_loop(model, file_count), rounds=ROUNDS, beside=_loop(model, FEW), way=way)


def _loop(model: Way, file_count: int) -> ClosedLoop:
    return ClosedLoop(
        StoreOnly(model.connections),
        transitions_per_round=TRANSITIONS * model.haste,
        file_count=file_count,
        choice=scattered(file_count),
    )
