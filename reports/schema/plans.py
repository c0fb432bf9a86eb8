"""Which cells a question is made of, and their answers joined."""

from reports.schema.cells import Asked, Cell
from reports.schema.parts import Record, Verdict
from reports.schema.sessions import SessionRecord
from reports.schema.upgrades import Reason


class PlanRecord(SessionRecord, frozen=True, kw_only=True, tag_field="kind", tag="plan"):
    """The content of reports/out/plan.json: every cell, in the order in which they are named."""

    cells: list[Cell]


class Answer(Record, frozen=True, kw_only=True):
    """What is known of one cell of a plan; `problem` says why that is nothing, or not all.

    `broken` are the laws that failed, or the benchmarks that regressed, with the head of what
    they said.
    """

    digest: str
    asked: Asked
    words: str
    verdict: Verdict
    summary: str
    problem: str | None = None
    elapsed_s: float | None = None
    broken: dict[str, str] = {}


class MergeRecord(SessionRecord, frozen=True, kw_only=True, tag_field="kind", tag="merge"):
    """The answers to a plan in its order; a cell without one is *unknown*.

    `strangers` are files of the folder that answer no cell of the plan.
    """

    answers: list[Answer]
    reasons: list[Reason]
    strangers: list[str] = []
