"""What a report is made of, whoever shows it: a terminal, Markdown, a page, a test server.

A record becomes one ``Document``; each renderer knows these few parts and no record. All text is
plain, as it came from a record: escaping is the renderer's work, and every renderer does it.
"""

import enum
from collections.abc import Sequence
from dataclasses import dataclass

from reports.documents.ratios import Drawing
from reports.schema import Reason, Verdict


class Tone(enum.Enum):
    """What a cell means to its reader; colour is never all that says so."""

    PLAIN = "plain"
    GOOD = "good"
    BAD = "bad"
    DOUBT = "doubt"
    FIRST = "first"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """Words with a tone; ``told`` says more of them where there is room for a pointer."""

    text: str
    tone: Tone = Tone.PLAIN
    told: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A line across a table, over the rows that follow."""

    title: str


Row = Sequence[str | Cell]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Words in columns; those in ``numeric`` are numbers and stand to the right.

    A long one is ``is_folded``: a page and Markdown fold it, a terminal leaves it out. Columns from
    ``matrix_from`` on hold a sign each under heads that are read upwards: only a page has the room.
    """

    heads: Sequence[str]
    rows: Sequence[Row | Group]
    title: str = ""
    numeric: frozenset[int] = frozenset()
    is_folded: bool = False
    matrix_from: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A text that is shown as it is, under a title: a counterexample, a log."""

    title: str
    text: str
    sentence: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One question's part of the document. ``is_folded``: it is evidence, not the answer."""

    title: str
    sentence: str = ""
    drawings: Sequence[Drawing] = ()
    tables: Sequence[Table] = ()
    passages: Sequence[Passage] = ()
    is_folded: bool = False


class CaseOutcome(enum.Enum):
    """What one case says to a test server. Unknown is an error, never a pass."""

    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One thing that was judged. ``text`` is all that is known of it, such as its timeline."""

    group: str
    name: str
    outcome: CaseOutcome
    message: str = ""
    text: str = ""
    elapsed_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A record, told.

    ``answer`` is the verdict's reason in a sentence; ``reasons`` are all of them, the heaviest
    first, and ``notes`` weigh nothing.
    """

    name: str
    title: str
    verdict: Verdict
    summary: str
    answer: str
    sections: Sequence[Section]
    reasons: Sequence[Reason] = ()
    notes: Sequence[str] = ()
    cases: Sequence[Case] = ()

    @property
    def decisive(self) -> list[Reason]:
        """The reasons that the verdict rests on."""
        return [each for each in self.reasons if each.verdict is self.verdict]

    @property
    def lighter(self) -> list[Reason]:
        """All other reasons."""
        return [each for each in self.reasons if each.verdict is not self.verdict]
