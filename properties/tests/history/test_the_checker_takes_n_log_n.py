"""The interval checker compares moments and versions O(n log n) times, unknowns or not."""

from __future__ import annotations

import functools
import math
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any, ClassVar

import pytest

from properties.history import intervals
from properties.history.checker import check
from properties.history.records import History, Initial, Kind, Outcome, Record
from properties.history.verdicts import Finding


class Counted(int):
    """A moment or a version that counts how often it is compared with another one."""

    compared: ClassVar[int] = 0

    def __lt__(self, other: int) -> bool:
        """Count, then compare."""
        Counted.compared += 1
        return int(self) < int(other)

    def __gt__(self, other: int) -> bool:
        """Count, then compare."""
        Counted.compared += 1
        return int(self) > int(other)

    def __eq__(self, other: object) -> bool:
        """Count, then compare."""
        Counted.compared += 1
        return isinstance(other, int) and int(self) == int(other)

    def __hash__(self) -> int:
        """Be the number."""
        return hash(int(self))


def _history(count: int, kind: type[int]) -> History:
    """Writers, readers, refusals, and every fifth write unknown; in no order of time."""
    records = []
    for number in range(count):
        version, shape = number // 4, number % 4
        begin = 100 * version + 7 * shape
        record = Record(
            name=str(number),
            process=str(shape),
            key="x",
            kind=Kind.READ if shape in (1, 2) else Kind.CAS,
            outcome=Outcome.FAIL if shape == 3 else Outcome.OK,
            call=kind(begin),
            ret=kind(begin + 30),
            version=None if shape == 3 else kind(version + 1),
            value="a" if version % 2 else "b",
            expected=None if shape in (1, 2) else kind(version + (shape == 3) * 2),
            is_stale=shape == 3,
        )
        if shape == 0 and version % 5 == 0:
            record = Record(
                name=record.name,
                process="0",
                key="x",
                kind=Kind.CAS,
                outcome=Outcome.UNKNOWN,
                call=kind(begin),
                ret=None,
                value=record.value,
                expected=kind(version),
            )
        records.append(record)
    stride = 7919  # a prime: all are visited, in no order
    shuffled = [records[number * stride % count] for number in range(count)]
    return History(records=tuple(shuffled), initial={"x": Initial(version=0, value="z")})


@functools.cache
def _comparisons(count: int) -> int:
    history = _history(count, Counted)
    Counted.compared = 0
    assert Finding.OK is check(history).finding
    return Counted.compared


@pytest.mark.parametrize("count", [5_000, 50_000])
def test_no_more_than_a_sort_needs(count: int) -> None:
    """Two moments an operation are sorted, and each refusal looks for its version by halves."""
    moments = 2 * count
    assert _comparisons(count) <= 3 * moments * math.log2(moments)


def test_ten_times_as_many_take_little_more_than_ten_times() -> None:
    """n log n grows by 12.3 from 5,000 to 50,000 operations; n squared would by 100."""
    assert _comparisons(50_000) / _comparisons(5_000) <= 15


def _lines(count: int) -> int:
    """Return how many lines of Python the checker runs: every loop of ours, compared or not."""
    history, ran = _history(count, int), 0

    def trace(_frame: FrameType, event: str, _value: object) -> Callable[..., Any]:
        nonlocal ran
        ran += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        finding = check(history).finding
    finally:
        sys.settrace(before)
    assert Finding.OK is finding
    return ran


def test_beside_the_sort_nothing_grows_faster_than_the_history() -> None:
    """Ten times as many operations run at most ten times as many lines."""
    assert _lines(5_000) <= 10.01 * _lines(500)


def test_a_linear_look_for_each_refusal_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """A ladder that is climbed step by step runs far more lines than ten times as many."""

    def step_by_step(self: intervals._Ladder, refusal: Record, least: int) -> int | None:
        for version in self._versions:
            if version >= least and version != refusal.expected:
                return version
        return None

    monkeypatch.setattr(intervals._Ladder, "least_fitting", step_by_step)
    assert _lines(5_000) > 20 * _lines(500)
