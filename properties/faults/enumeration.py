"""Fail the Nth operation, for N = 1, 2, … until none fires.

A history without a fault counts the operations first. Each of them is then struck, and the one
after the last as well: it must not be reached, else the operations are not the same each time and
the enumeration proves less than it says.
"""

from __future__ import annotations

import functools
import itertools
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from properties.faults.plan import Fault, Means, Phase, Repeat
from properties.faults.scene import Point, strike_once
from properties.rules import Evidence, Judge
from properties.rules.kept import keep_history
from properties.sighting import sighted
from properties.subjects.protocol import SubjectFactory

NEVER = 10**9


@dataclass(slots=True, kw_only=True)
class Enumeration:
    """What came of one means in one phase. ``histories`` say where the first of each law is kept.

    ``is_complete`` is False when only a sample of the points was struck. ``pair_count`` counts the
    points of a means that strikes twice; each has a first operation and one that came after it.
    """

    means: str
    subject: str
    phase: Phase
    operation_count: int = 0
    pair_count: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    answers: dict[str, int] = field(default_factory=dict)
    durable_yet_raised: int = 0
    absorbed: int = 0
    broken: list[Point] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    is_complete: bool = True
    histories: dict[str, str] = field(default_factory=dict)

    @property
    def fired(self) -> int:
        """How many points had their fault fired."""
        return sum(self.counts.values())


def enumerate_faults(
    factory: SubjectFactory,
    subject_name: str,
    means: Means,
    phase: Phase,
    judges: dict[str, Judge],
    *,
    point_limit: int | None = None,
    seed: int = 0,
    only_last: int | None = None,
    stops_when_broken: bool = False,
    on_point: Callable[[Point], None] = lambda _point: None,
) -> Enumeration:
    """Strike every operation of ``means`` in ``phase``; at most ``point_limit`` of them.

    Persistently a third of that: what comes once ends most calls, and the rest are alike.
    ``seed`` chooses which ones, if there are more; ``only_last`` keeps to so many at the end.
    ``stops_when_broken`` ends at the first fault
    that breaks a law.
    """
    found = Enumeration(means=means.name, subject=subject_name, phase=phase)

    def broke(law: str, evidence: Evidence) -> None:
        if law not in found.histories:
            found.histories[law] = keep_history(law, f"{subject_name}-{means.name}", evidence)

    def strike(nth: int, repeat: Repeat, again: int = 0) -> Point:
        fault = Fault(means=means.name, nth=nth, again=again, repeat=repeat, phase=phase)
        point = strike_once(factory, means, fault, judges, broke=broke)
        _take(found, point)
        on_point(point)
        return point

    if means.is_limit:
        for nth in itertools.count(1):
            if not strike(nth, Repeat.PERSISTENTLY).fired or found.unknown:
                return found
            found.operation_count = found.counts[Repeat.PERSISTENTLY.value] = nth
    count = found.operation_count = strike(NEVER, Repeat.ONCE).seen
    if not found.unknown and not found.broken:
        for repeat in means.repeats:
            chosen = _chosen(count, _limit(point_limit, repeat), seed)[-(only_last or 0) :]
            for nth in [*chosen, *_others(count, chosen, means)]:
                if found.broken and stops_when_broken:
                    return found
                if found.pair_count and nth not in chosen:
                    break  # they were tried because nothing came after those that were drawn
                if means.is_paired:
                    fired_count = _pairs(functools.partial(strike, nth, repeat))
                    found.pair_count += fired_count
                else:
                    fired_count = strike(nth, repeat).fired > 0
                found.counts[repeat.value] = found.counts.get(repeat.value, 0) + fired_count
        if point_limit is None and strike(count + 1, Repeat.ONCE).fired:
            found.unknown.append(
                f"{means.name}: {count} operations without a fault, and number {count + 1} came"
            )
    shortest = min(_limit(point_limit, repeat) or count for repeat in means.repeats)
    found.is_complete = only_last is None and count <= shortest
    return found


def _pairs(strike: Callable[[int], Point]) -> int:
    """Strike a second time at each later operation until there is none; return how many fired."""
    for again in itertools.count(1):
        point = strike(again)
        if point.fired < 2 or point.unknown is not None:
            return again - 1
    raise AssertionError("count() does not end")


def _others(count: int, chosen: list[int], means: Means) -> list[int]:
    """Return where a pair may begin besides: after some operations a struck call has no other."""
    rest = [nth for nth in range(1, count + 1) if nth not in chosen]
    return rest if means.is_paired else []


def _limit(limit: int | None, repeat: Repeat) -> int | None:
    return limit if limit is None or repeat is Repeat.ONCE else max(1, limit // 3)


def _chosen(count: int, limit: int | None, seed: int) -> list[int]:
    """Return all of 1 … count, or one drawn from each of ``limit`` equal parts."""
    if limit is None or count <= limit:
        return list(range(1, count + 1))
    draw = random.Random(seed)
    bounds = [index * count // limit for index in range(limit + 1)]
    return [draw.randint(low + 1, high) for low, high in itertools.pairwise(bounds)]


def _take(found: Enumeration, point: Point) -> None:
    if point.unknown is not None:
        found.unknown.append(f"{point.fault.told()}: {point.unknown}")
    if point.broken:
        sighted()
        found.broken.append(point)
    if point.fired:
        found.answers = dict(Counter(found.answers) + Counter({point.answer: 1}))
        found.durable_yet_raised += point.is_durable_yet_raised
        found.absorbed += point.is_absorbed
