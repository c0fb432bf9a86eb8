"""Every record that crosses a process or a file, and how it is written and read.

Standard library and msgspec only: this package is also imported inside measured environments.

A record is one JSON object. `kind` says which record it is and `schema_version` which edition of
this package wrote it; both are checked before anything else is believed. Decoding is strict: an
unknown field, a missing field or a number that is not finite is an error, never a default.
Names carry their units last (`elapsed_ms`).
"""

from reports.schema.behaviour import (
    BehaviourChange,
    BehaviourRecord,
    ChangeOutcome,
    Observation,
    Scene,
)
from reports.schema.bisections import BisectRecord, ClocksRecord, Turned, TurnedKind
from reports.schema.cells import (
    Asked,
    Cell,
    CellOutcome,
    CellRecord,
    CellRow,
    MatrixRecord,
    Place,
)
from reports.schema.environment import Environment, LibraryEvidence
from reports.schema.files import (
    INVOKED_FROM,
    RecordCorruptError,
    RecordError,
    RecordMissingError,
    RecordNewerError,
    RecordNotWrittenError,
    given_path,
    kind_of,
    read,
    record_path,
    write,
)
from reports.schema.histories import HistoryRecord, InitialRecord, OperationRecord
from reports.schema.laws import (
    NEXT_FAILURE,
    LawComparison,
    LawKind,
    LawOutcome,
    LawRecord,
    LawVerdict,
)
from reports.schema.mutants import DiscoveryRecord, MutantRecord, MutantsRecord
from reports.schema.parts import SCHEMA_VERSION, Count, Figure, Milliseconds, Record, Verdict
from reports.schema.plans import Answer, MergeRecord, PlanRecord
from reports.schema.sessions import LawsRecord, SessionRecord
from reports.schema.turns import GO, TurnRequest
from reports.schema.upgrades import (
    AcceptedKind,
    AcceptedLine,
    AcceptedState,
    BenchmarkComparison,
    BenchmarkOutcome,
    CompareRecord,
    GateQuestion,
    GateRecord,
    Reason,
    VersionChange,
)
from reports.schema.upstream import PairComparison, PairOutcome, UpstreamRecord

__all__ = [
    "GO",
    "INVOKED_FROM",
    "NEXT_FAILURE",
    "SCHEMA_VERSION",
    "AcceptedKind",
    "AcceptedLine",
    "AcceptedState",
    "Answer",
    "Asked",
    "BehaviourChange",
    "BehaviourRecord",
    "BenchmarkComparison",
    "BenchmarkOutcome",
    "BisectRecord",
    "Cell",
    "CellOutcome",
    "CellRecord",
    "CellRow",
    "ChangeOutcome",
    "ClocksRecord",
    "CompareRecord",
    "Count",
    "DiscoveryRecord",
    "Environment",
    "Figure",
    "GateQuestion",
    "GateRecord",
    "HistoryRecord",
    "InitialRecord",
    "LawComparison",
    "LawKind",
    "LawOutcome",
    "LawRecord",
    "LawVerdict",
    "LawsRecord",
    "LibraryEvidence",
    "MatrixRecord",
    "MergeRecord",
    "Milliseconds",
    "MutantRecord",
    "MutantsRecord",
    "Observation",
    "OperationRecord",
    "PairComparison",
    "PairOutcome",
    "Place",
    "PlanRecord",
    "Reason",
    "Record",
    "RecordCorruptError",
    "RecordError",
    "RecordMissingError",
    "RecordNewerError",
    "RecordNotWrittenError",
    "Scene",
    "SessionRecord",
    "TurnRequest",
    "Turned",
    "TurnedKind",
    "UpstreamRecord",
    "Verdict",
    "VersionChange",
    "given_path",
    "kind_of",
    "read",
    "record_path",
    "write",
]
