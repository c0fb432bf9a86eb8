"""From a record, or its file, to the document that tells it."""

from pathlib import Path

from reports.documents.benchmarks import benchmarks
from reports.documents.laws import laws
from reports.documents.matrix import matrix
from reports.documents.model import Document, Section
from reports.documents.mutants import mutants
from reports.documents.plans import merged, planned
from reports.documents.releases import bisection, upstream
from reports.documents.surroundings import figures, ran_on
from reports.documents.upgrades import compare, gate
from reports.load import BenchmarkFile, load
from reports.schema import (
    BisectRecord,
    CompareRecord,
    GateRecord,
    LawsRecord,
    MatrixRecord,
    MergeRecord,
    MutantsRecord,
    PlanRecord,
    RecordCorruptError,
    SessionRecord,
    UpstreamRecord,
    kind_of,
    read,
)

KINDS: dict[str, type[SessionRecord]] = {
    "bisect": BisectRecord,
    "compare": CompareRecord,
    "gate": GateRecord,
    "laws": LawsRecord,
    "matrix": MatrixRecord,
    "merge": MergeRecord,
    "mutants": MutantsRecord,
    "plan": PlanRecord,
    "session": SessionRecord,
    "upstream": UpstreamRecord,
}


def opened(path: Path) -> Document:
    """Tell the record in a file; raises ``RecordError`` and ``UnusableFileError``."""
    kind = kind_of(path)
    if kind not in KINDS:
        known = ", ".join(KINDS)
        raise RecordCorruptError(
            path, f"a record of kind {kind!r}, which nobody shows", f"Name one of these: {known}."
        )
    return told(read(path, KINDS[kind]), beside=path.parent / path.stem)


def told(record: SessionRecord, *, beside: Path | None = None) -> Document:
    """Tell a record; ``beside`` is the folder where its session kept more."""
    match record:
        case GateRecord():
            return gate(record)
        case CompareRecord():
            return compare(record)
        case LawsRecord():
            return laws(record)
        case MatrixRecord():
            return matrix(record)
        case MergeRecord():
            return merged(record)
        case PlanRecord():
            return planned(record)
        case MutantsRecord():
            return mutants(record)
        case BisectRecord():
            return bisection(record)
        case UpstreamRecord():
            return upstream(record)
    groups = {} if beside is None else groups_of(record, beside)
    return benchmarks(record, groups) if groups else _plain(record)


def groups_of(record: SessionRecord, beside: Path) -> dict[str, BenchmarkFile]:
    """Load the file of each group that the record names; raises ``UnusableFileError``."""
    found = {}
    for name, value in record.figures.items():
        group, _, kind = name.rpartition(".")
        if kind == "file" and isinstance(value, str):
            found[group] = load(beside / Path(value).name)
    return found


def _plain(record: SessionRecord) -> Document:
    sections = []
    if record.figures:
        sections.append(Section(title="Figures", tables=[figures(record.figures)], is_folded=True))
    if record.environment is not None:
        ran = ran_on(record.environment)
        sections.append(Section(title="What it ran on", tables=[ran], is_folded=True))
    return Document(
        name=record.name,
        title=record.name.capitalize(),
        verdict=record.verdict,
        summary=record.summary,
        answer=record.summary,
        sections=sections,
    )
