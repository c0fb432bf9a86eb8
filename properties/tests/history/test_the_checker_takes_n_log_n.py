"""The interval checker compares moments O(n log n) times, unknowns or not."""

from __future__ import annotations

import functools
import math
from typing import ClassVar

import pytest

from properties.history.checker import check
from properties.history.records import History, Initial, Kind, Outcome, Record
from properties.history.verdicts import Finding


class Moment(int):
    """A moment that counts how often it is compared with another one."""

    compared: ClassVar[int] = 0

    def __lt__(self, other: int) -> bool:
        """Count, then compare."""
        Moment.compared += 1
        return int(self) < int(other)

    def __gt__(self, other: int) -> bool:
        """Count, then compare."""
        Moment.compared += 1
        return int(self) > int(other)

    def __eq__(self, other: object) -> bool:
        """Count, then compare."""
        Moment.compared += 1
        return isinstance(other, int) and int(self) == int(other)

    def __hash__(self) -> int:
        """Be the number."""
        return hash(int(self))


def _history(count: int) -> History:
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
            call=Moment(begin),
            ret=Moment(begin + 30),
            version=None if shape == 3 else version + 1,
            value="a" if version % 2 else "b",
            expected=None if shape in (1, 2) else version + (shape == 3) * 2,
            is_stale=shape == 3,
        )
        if shape == 0 and version % 5 == 0:
            record = Record(
                name=record.name,
                process="0",
                key="x",
                kind=Kind.CAS,
                outcome=Outcome.UNKNOWN,
                call=Moment(begin),
                ret=None,
                value=record.value,
                expected=version,
            )
        records.append(record)
    stride = 7919  # a prime: all are visited, in no order
    shuffled = [records[number * stride % count] for number in range(count)]
    return History(records=tuple(shuffled), initial={"x": Initial(version=0, value="z")})


@functools.cache
def _comparisons(count: int) -> int:
    history = _history(count)
    Moment.compared = 0
    assert Finding.OK is check(history).finding
    return Moment.compared


@pytest.mark.parametrize("count", [5_000, 50_000])
def test_no_more_than_a_sort_needs(count: int) -> None:
    """Two moments an operation are sorted; the sweep itself compares none."""
    moments = 2 * count
    assert _comparisons(count) <= 3 * moments * math.log2(moments)


def test_ten_times_as_many_take_little_more_than_ten_times() -> None:
    """n log n grows by 12.3 from 5,000 to 50,000 operations; n squared would by 100."""
    assert _comparisons(50_000) / _comparisons(5_000) <= 15
