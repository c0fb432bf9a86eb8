"""One trial: laws asked of one subject, in order, and what came of it; both cross a pipe or a file.

Choices. The time of a kill is that of the first *sighting*: a judge has found the law broken. To
run it again and to make it small belongs to the report. What a trial says is believed only if it
ends in a law's own failure: an error of the judge, an import that fails, a change whose target is
gone are the harness's, and no kill.
"""

from __future__ import annotations

import msgspec

from reports.schema import LawVerdict

FEWER = "@"
"""`LAW@PROFILE` asks a law with as many cases as that profile has, and not the usual ones."""


class Sighting(msgspec.Struct, frozen=True, kw_only=True):
    """A law was seen to be broken, when so much was tried.

    ``cpu_s`` is what the search has cost by then, ``elapsed_s`` what the wall says.
    """

    law: str
    cpu_s: float
    elapsed_s: float
    examples: int
    schedules: int


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What a law said; ``text`` is its counterexample, or why it is unknown or was not asked."""

    law: str
    verdict: LawVerdict
    cpu_s: float
    elapsed_s: float
    text: str = ""


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked: laws of a subject, in this order, under a seed.

    ``ends_at`` says when enough is known: at the first ``sighting``, the first ``failure``, or at
    the ``end``. ``cap_cpu_s`` is what it may cost in all, ``law_cap_s`` how long one law may take
    on the wall: who waits for ever costs nothing.
    ``instrument`` is what searches: the laws, or a baseline that they are compared with.
    """

    subject: str
    laws: tuple[str, ...]
    seed: int
    ends_at: str
    cap_cpu_s: float
    law_cap_s: float
    instrument: str = "laws"


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a trial. ``ended``: by itself, or ``sighting``, ``cap``, ``law cap``, ``died``.

    ``asking`` is the law that was being asked when it ended. Seconds are of the wall, and of the
    processor in the child and what it has waited for.
    """

    trial: Trial
    said: list[Said]
    sightings: list[Sighting]
    ended: str
    asking: str = ""
    error: str = ""
    elapsed_s: float = 0.0
    cpu_s: float = 0.0

    def verdict(self, law: str) -> LawVerdict:
        """Return what a law said; the one that was being asked at a cut is unknown."""
        return next((each.verdict for each in self.said if each.law == law), LawVerdict.NOT_ASKED)

    def first_failure(self) -> Said | None:
        """Return the first law that failed by its own."""
        return next((each for each in self.said if each.verdict is LawVerdict.FAIL), None)

    def sighting_of(self, law: str) -> Sighting | None:
        """Return when the law was first seen to be broken."""
        return next((each for each in self.sightings if each.law == law), None)
