"""What the laws found of bugs that were put in on purpose."""

from reports.schema.laws import LawVerdict
from reports.schema.parts import Count, Record
from reports.schema.sessions import SessionRecord


class MutantRecord(Record, frozen=True, kw_only=True):
    """One mutant, and what became of it.

    `laws` are those that must catch it; none: it is correct, and every law must hold. `verdicts`
    are of the laws that were asked. `killed_by` is the first of them that failed by its own,
    `cpu_s` what the search had cost when that law was first seen to be broken, `elapsed_s` what
    the wall said, `examples` and `schedules` what had been tried. `counterexample` is the law's
    own text, `line_count` the lines of its timeline (0: it needs none). `reason` says why nothing
    is known.
    """

    name: str
    family: str
    sentence: str
    subject: str
    laws: list[str]
    realistic: str
    shows: str
    verdicts: dict[str, LawVerdict]
    killed_by: str | None = None
    cpu_s: float | None = None
    elapsed_s: float | None = None
    examples: Count = 0
    schedules: Count = 0
    line_count: Count = 0
    counterexample: str | None = None
    reason: str | None = None


class DiscoveryRecord(Record, frozen=True, kw_only=True):
    """How often and how soon one instrument finds one mutant, over seeds.

    `cpu_s` has one number a trial: what it had cost when a law was seen to be broken, or None
    where the trial was cut at `cap_s` or had tried all (right-censored). `killers` counts trials
    by the law that was seen first.
    """

    name: str
    family: str
    instrument: str
    cap_s: float
    cpu_s: list[float | None]
    elapsed_s: list[float | None]
    killers: dict[str, Count]


class MutantsRecord(SessionRecord, frozen=True, kw_only=True, tag_field="kind", tag="mutants"):
    """The content of reports/out/mutants.json. `untouched` is what each law says of the core."""

    is_matrix: bool
    untouched: dict[str, dict[str, LawVerdict]]
    mutants: list[MutantRecord]
    discoveries: list[DiscoveryRecord] = []
