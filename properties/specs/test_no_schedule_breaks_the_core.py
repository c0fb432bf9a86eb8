"""No schedule breaks the core: whatever happens in which order, and one caller cut off anywhere.

Hypothesis draws two or three attempts on one file and a schedule of every database call, landing
and timer; real asyncio, aiosqlite and SQLite run it. One attempt wins each version, each answer
says what the journal says, nobody waits for ever, no lock and no worker stays behind, and an
allowed event is taken unless its caller was cut off. More than one file, faults other than a
cancellation, and schedules that were not drawn are not claimed. A write that does not compare the
version, a rollback forgotten, a release that refuses what it should take breaks it.
"""

from properties.simulation.hunting import Ask, hunt
from properties.subjects import Offer

NEEDS = frozenset({Offer.SCENARIOS})


def test_every_drawn_schedule_ends_well(drawn: Ask, subject_name: str) -> None:
    """On the inline carrier; a failure shows the smallest schedule and replays by its token."""
    hunt(subject_name, drawn)
