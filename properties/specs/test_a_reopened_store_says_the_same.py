"""A reopened store says the same: rows, and what became of each attempt, are in the file alone.

Asked of a second subject on the same file while the first is open, and of a third after it has
closed. State that is kept in the process, or written when it closes, breaks it.
"""

import asyncio

from properties.scratch import scratch_folder
from properties.subjects import Lifecycle, Offer, Request, Row, Subject, SubjectFactory

NEEDS = frozenset({Offer.OUTCOMES, Offer.GUARDS})

ATTEMPT_COUNT = 5


def _script(lifecycle: Lifecycle) -> list[tuple[str, str, bool]]:
    """Return who asks for what, and what its guard says."""
    ((first, state), (second, _)) = lifecycle.road(2)
    return [
        ("f", first, True),
        ("f", second, False),
        ("g", first, True),
        ("f", second, True),
        ("g", lifecycle.refused(state), True),
    ]


async def _said(subject: Subject) -> list[Row | bool | None]:
    rows: list[Row | bool | None] = [await subject.read(name) for name in ("f", "g")]
    return rows + [await subject.outcome_of(f"a{number}") for number in range(ATTEMPT_COUNT)]


def test_beside_it_and_after_it(make_subject: SubjectFactory) -> None:
    """Three that moved a row, one whose guard said no, one without an edge."""

    async def use(path: str) -> list[list[Row | bool | None]]:
        first, beside, after = make_subject(), make_subject(), make_subject()
        await first.make(path)
        try:
            await first.seed("f")
            await first.seed("g")
            for number, (name, event, guard_says) in enumerate(_script(first.lifecycle)):
                asked = Request(
                    attempt_id=f"a{number}", file_path=name, event=event, guard_says=guard_says
                )
                await first.attempt(asked)
            said = [await _said(first)]
            await beside.make(path)
            try:
                said.append(await _said(beside))
            finally:
                await beside.close()
        finally:
            await first.close()
        await after.make(path)
        try:
            return [*said, await _said(after)]
        finally:
            await after.close()

    with scratch_folder() as folder:
        said = asyncio.run(use(f"{folder}/files.db"))
    (_, once), (_, twice) = make_subject().lifecycle.road(2)
    expected = [Row(twice, 2), Row(once, 1), True, False, True, True, False]
    assert [expected] * 3 == said
