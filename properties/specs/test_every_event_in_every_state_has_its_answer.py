"""Every event in every state has its answer: its edge, the refusal of its guard, or none there.

The whole table, with each answer of the guard, by the judge's own table of edges: chance does not
have to find the one edge that is wrong. A refusal moves nothing; a success tells where it went. An
edge too many, too few or to somewhere else, a guard that is not heard, an illegal event that is
ignored breaks it.
"""

import asyncio
from collections.abc import Iterator

from properties.scratch import scratch_folder
from properties.subjects import AnswerKind, Lifecycle, Offer, Request, Row, SubjectFactory

NEEDS = frozenset({Offer.GUARDS})


def _roads(lifecycle: Lifecycle) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield each state with the shortest road of events to it."""
    roads: dict[str, tuple[str, ...]] = {lifecycle.initial: ()}
    waiting = [lifecycle.initial]
    while waiting:
        state = waiting.pop(0)
        yield state, roads[state]
        for event, target in lifecycle.edges_from(state).items():
            if target not in roads:
                roads[target] = (*roads[state], event)
                waiting.append(target)


def _expected(target: str | None, state: str, guard_says: bool, version: int) -> tuple[object, ...]:
    if target is None:
        return AnswerKind.NOT_ALLOWED, None, None, Row(state, version)
    if not guard_says:
        return AnswerKind.REJECTED, None, None, Row(state, version)
    return AnswerKind.SUCCESS, target, version + 1, Row(target, version + 1)


def test_the_whole_table(make_subject: SubjectFactory) -> None:
    """Each state, event and answer of the guard on a file of its own, asked one after the other."""

    async def use(path: str) -> list[str]:
        subject = make_subject()
        await subject.make(path)
        wrong = []
        try:
            for state, road in _roads(subject.lifecycle):
                for event in subject.lifecycle.events:
                    for says in (True, False):
                        name = f"{state}, {event}, {says}"
                        await subject.seed(name)
                        for step in road:
                            asked = Request(attempt_id=name + step, file_path=name, event=step)
                            await subject.attempt(asked)
                        asked = Request(
                            attempt_id=name, file_path=name, event=event, guard_says=says
                        )
                        answer = await subject.attempt(asked)
                        row = await subject.read(name)
                        told = (answer.kind, answer.to_state, answer.version, row)
                        target = subject.lifecycle.target(state, event)
                        expected = _expected(target, state, says, len(road))
                        if told != expected:
                            wrong.append(f"{name}: told {told}, expected {expected}")
        finally:
            await subject.close()
        return wrong

    with scratch_folder() as folder:
        wrong = asyncio.run(use(f"{folder}/files.db"))
    assert not wrong, "\n".join(wrong[:5])
