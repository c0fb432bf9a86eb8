"""Waits are drawn and grow: who is turned away together does not come back together.

Before each further try an attempt draws how long it waits from a range that does not shrink, and
waits so long. Without the draw everybody who met one lock meets again at its next try; with a range
that shrinks a lock that is held long is asked for ever more often (M. Brooker, "Exponential Backoff
and Jitter", AWS Architecture Blog, 2015). Any jitter that draws does: full, equal or decorrelated.
A constant wait, a draw that is thrown away, an exponent that counts down breaks it.
"""

import asyncio
from typing import Any

import pytest

from properties.rules.outsider import Outsider
from properties.scratch import scratch_folder
from properties.subjects import TRIES, AnswerKind, Offer, Request, SubjectFactory

NEEDS = frozenset({Offer.JITTER})


@pytest.mark.parametrize("share", [0.25, 0.75, 1.0])
def test_each_wait_is_what_was_drawn(make_subject: SubjectFactory, share: float) -> None:
    """A lock that is never given back; each draw lies at this share of its range."""
    ranges_ms: list[tuple[float, float]] = []
    drawn_ms: list[float] = []
    timers_s: list[float] = []

    def draw(low_ms: float, high_ms: float) -> float:
        ranges_ms.append((low_ms, high_ms))
        drawn_ms.append(low_ms + share * (high_ms - low_ms))
        return drawn_ms[-1]

    async def use(path: str) -> AnswerKind:
        subject: Any = make_subject()
        subject.jitter = draw
        await subject.make(path)
        outsider = Outsider(path, subject.layout)
        try:
            await subject.seed("f")
            assert outsider.take_the_lock(None)
            loop = asyncio.get_running_loop()
            call_later = loop.call_later

            def watched(delay: float, *arguments: Any, **options: Any) -> asyncio.TimerHandle:
                timers_s.append(delay)
                return call_later(delay, *arguments, **options)

            vars(loop)["call_later"] = watched
            asked = Request(attempt_id="a", file_path="f", event=subject.lifecycle.road(1)[0][0])
            kind: AnswerKind = (await subject.attempt(asked)).kind
            return kind
        finally:
            outsider.close()
            await subject.close()

    with scratch_folder() as folder:
        assert AnswerKind.BUSY is asyncio.run(use(f"{folder}/files.db"))
    assert TRIES - 1 == len(ranges_ms), f"{TRIES} tries, and {len(ranges_ms)} draws"
    highs = [high for _, high in ranges_ms]
    assert all(0 <= low < high for low, high in ranges_ms), ranges_ms
    assert highs == sorted(highs), f"the longest waits shrink: {highs} ms"
    assert highs[0] < highs[-1], f"the waits do not grow: {highs} ms"
    waited_ms = [round(delay * 1000, 6) for delay in timers_s]
    missing = [wait for wait in drawn_ms if round(wait, 6) not in waited_ms]
    assert not missing, f"drawn {drawn_ms} ms, waited {waited_ms} ms"
