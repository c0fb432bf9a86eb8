"""Every record that crosses a process or a file, and how it is written and read.

Standard library and msgspec only: this module is also imported inside measured environments.

A record is one JSON object. `kind` says which record it is and `schema_version` which edition of
this file wrote it; both are checked before anything else is believed. Decoding is strict: an
unknown field, a missing field or a number that is not finite is an error, never a default.
Names carry their units last (`elapsed_ms`).
"""

import enum
import os
import tempfile
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec

SCHEMA_VERSION = 1

Figure = bool | int | float | str | None
Count = Annotated[int, msgspec.Meta(ge=0)]
Milliseconds = Annotated[float, msgspec.Meta(ge=0)]
RecordT = TypeVar("RecordT", bound="Record")


class Verdict(enum.Enum):
    """What a session concluded. Unknown and invalid are never a pass."""

    PASS = "pass"
    FAIL = "fail"
    UNKNOWN = "unknown"
    INVALID = "invalid"
    USAGE = "usage"

    @property
    def exit_code(self) -> int:
        """The one meaning of each exit code of every session."""
        return _EXIT_CODES[self]


_EXIT_CODES = {
    Verdict.PASS: 0,
    Verdict.FAIL: 1,
    Verdict.USAGE: 2,
    Verdict.UNKNOWN: 3,
    Verdict.INVALID: 4,
}


class LawKind(enum.Enum):
    """Whether a law judges our machine, or states what we assume of somebody else's library."""

    MACHINE = "machine"
    ASSUMPTION = "assumption"


class LawVerdict(enum.Enum):
    """What is known of one law in one environment."""

    PASS = "pass"
    FAIL = "fail"
    UNKNOWN = "unknown"
    NOT_ASKED = "not asked"


class Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of a record: frozen, by keyword, and strict about its fields."""


class LibraryEvidence(Record, frozen=True, kw_only=True):
    """One library as the measured process really imported it.

    `location` is relative to the environment's site-packages; a library imported from anywhere
    else shows as `outside: NAME`. `sha256` is over one sorted line a file, NAME SHA256-OF-CONTENT,
    for all files of its importable packages except bytecode. The installer's RECORD lists the
    same digests, so the same number can be had without looking into the files.
    """

    name: str
    version: str
    location: str
    sha256: str
    file_count: Count


class Environment(Record, frozen=True, kw_only=True):
    """Where something ran, read from inside the process that ran it."""

    python_version: str
    python_implementation: str
    platform: str
    sqlite_version: str
    sqlite_source_id: str
    libraries: list[LibraryEvidence]
    cpu_count: Count
    cpu_affinity: list[int] | None = None
    load_average: list[float] | None = None
    database_filesystem: str | None = None
    hypothesis_profile: str | None = None

    def library(self, name: str) -> LibraryEvidence | None:
        """The evidence for one distribution, or None where it is not installed."""
        return next((each for each in self.libraries if each.name == name), None)

    def versions(self) -> dict[str, str]:
        """Versions by name, Python and SQLite among them."""
        found = {"python": self.python_version, "sqlite": self.sqlite_version}
        return found | {each.name: each.version for each in self.libraries}


class LawRecord(Record, frozen=True, kw_only=True):
    """What one law said in one environment.

    `law` is the sentence name of its test, `sentence` the first line of its docstring.
    `leans_on` is the line of ours, as file:line or a sentence, that leans on an assumption.
    `failure` is the counterexample as text and ends in the command that replays it; `reason` says
    why a law is unknown or was not asked.
    """

    law: str
    kind: LawKind
    sentence: str
    verdict: LawVerdict
    subject: str
    examples: Count
    steps: Count
    schedules: Count = 0
    elapsed_ms: Milliseconds
    leans_on: str | None = None
    failure: str | None = None
    reason: str | None = None


class SessionRecord(Record, frozen=True, kw_only=True, tag_field="kind", tag="session"):
    """What every session leaves in reports/out/NAME.json."""

    name: str
    verdict: Verdict
    summary: str
    figures: dict[str, Figure] = {}
    versions: dict[str, str] = {}
    environment: Environment | None = None
    schema_version: int = SCHEMA_VERSION

    @property
    def last_line(self) -> str:
        """The session's last line on stdout."""
        return f"{self.name}: {self.verdict.value}: {self.summary}"


class LawsRecord(SessionRecord, frozen=True, kw_only=True, tag_field="kind", tag="laws"):
    """The content of reports/out/properties.json."""

    profile: str
    seed: int | None
    laws: list[LawRecord]


class OperationRecord(
    Record, frozen=True, kw_only=True, omit_defaults=True, rename={"ret": "return"}
):
    """One operation of a history, as docs/histories.md describes it. Moments are logical."""

    name: str
    process: str
    key: str
    kind: str
    outcome: str
    call: Count
    ret: Count | None = None
    version: Count | None = None
    value: str | None = None
    expected: Count | None = None
    from_value: str | None = None
    is_stale: bool = False
    only_in: list[str] | None = None


class InitialRecord(Record, frozen=True, kw_only=True):
    """What a key holds before anything is called."""

    version: Count
    value: str


class HistoryRecord(
    Record, frozen=True, kw_only=True, omit_defaults=True, tag_field="kind", tag="history"
):
    """A history in a file. Those of the corpus say what it is, where from, and what is expected."""

    schema_version: int
    initial: dict[str, InitialRecord]
    operations: list[OperationRecord]
    title: str | None = None
    source: str | None = None
    expected: str | None = None
    why: str | None = None


class LawOutcome(enum.Enum):
    """What one law says about an upgrade, from its verdicts in both environments."""

    HOLDS = "holds"
    NEW_FAILURE = "new failure"
    FIXED = "fixed"
    FAILS_IN_BOTH = "fails in both"
    UNKNOWN = "unknown"
    NOT_ASKED = "not asked"


class LawComparison(Record, frozen=True, kw_only=True):
    """One law in both environments. A side that never reported the law is None."""

    law: str
    kind: LawKind
    sentence: str
    baseline: LawVerdict | None
    candidate: LawVerdict | None
    outcome: LawOutcome
    leans_on: str | None = None
    failure: str | None = None
    reason: str | None = None


class BenchmarkOutcome(enum.Enum):
    """What one benchmark says about an upgrade."""

    REGRESSED = "regressed"
    SLOWER = "slower"
    WITHIN_TOLERANCE = "within tolerance"
    FASTER = "faster"
    UNKNOWN = "unknown"
    QUIET = "quiet"
    NOT_QUIET = "not quiet"


class BenchmarkComparison(Record, frozen=True, kw_only=True):
    """Candidate over baseline for one benchmark: above 1 is slower.

    The interval is at `confidence` for the whole family of benchmarks; a bound is None where the
    epochs were too few to give one.
    """

    name: str
    is_control: bool
    baseline_us: float
    candidate_us: float
    ratio: float
    ratio_low: float | None
    ratio_high: float | None
    confidence: float
    epoch_count: Count
    outcome: BenchmarkOutcome
    epoch_ratios: list[float]
    reason: str | None = None


class VersionChange(Record, frozen=True, kw_only=True):
    """One distribution that differs between the environments; None where it is absent."""

    name: str
    baseline: str | None
    candidate: str | None
    was_asked: bool


class Reason(Record, frozen=True, kw_only=True):
    """One sentence for the verdict that it argues for. The heaviest stands first."""

    verdict: Verdict
    text: str


class GateRecord(SessionRecord, frozen=True, kw_only=True, tag_field="kind", tag="gate"):
    """The content of reports/out/gate.json: the verdict on an upgrade, and why.

    `replay` is the command that asks the laws again with the candidate; add `--law NAME`.
    """

    requirements: list[str]
    reasons: list[Reason]
    seed: int | None = None
    guarantee: str | None = None
    changes: list[VersionChange] = []
    baseline: Environment | None = None
    candidate: Environment | None = None
    laws: list[LawComparison] = []
    benchmarks: list[BenchmarkComparison] = []
    weaknesses: list[str] = []
    replay: str | None = None


class CompareRecord(SessionRecord, frozen=True, kw_only=True, tag_field="kind", tag="compare"):
    """The content of reports/out/compare.json: two finished files, without pairing."""

    baseline_path: str
    candidate_path: str
    reasons: list[Reason]
    benchmarks: list[BenchmarkComparison] = []
    only_baseline: list[str] = []
    only_candidate: list[str] = []


class RecordError(Exception):
    """A record cannot be used: which file, what is wrong with it, what to do."""

    def __init__(self, path: str | os.PathLike[str], what: str, advice: str) -> None:
        self.path = str(path)
        self.what = what
        self.advice = advice
        super().__init__(f"{self.path}: {what}. {advice}")


class RecordMissingError(RecordError):
    """There is no such file."""


class RecordCorruptError(RecordError):
    """The file is not the record that was asked for."""


class RecordNewerError(RecordError):
    """The record was written by a newer edition of this project."""


class RecordNotWrittenError(RecordError):
    """The record could not be written; whatever stood there before is unchanged."""


class _Header(msgspec.Struct):
    kind: str
    schema_version: int


def write(path: str | os.PathLike[str], record: Record) -> None:
    """Write a record whole or not at all, durably, making its folder.

    The text is decoded again before it is written, so that nothing is left behind that `read`
    would refuse (a NaN, say). Safe to interrupt: an old record stays until the new one is whole.
    """
    target = Path(path)
    payload = msgspec.json.format(msgspec.json.encode(record), indent=1) + b"\n"
    advice = "Give every field a value of its type; a figure must be a finite number."
    try:
        survives = msgspec.json.decode(payload, type=type(record)) == record
    except msgspec.ValidationError as error:
        raise RecordNotWrittenError(path, f"not a valid record ({error})", advice) from error
    if not survives:
        raise RecordNotWrittenError(path, "the record would not read back equal", advice)
    temporary: str | None = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(
            dir=target.parent, prefix=f".{target.name}.", suffix=".partial"
        )
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(payload)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, target)
        temporary = None
    except OSError as error:
        raise RecordNotWrittenError(
            path,
            f"cannot write the record: {error.strerror}",
            "Free some space or choose a folder that can be written; nothing was changed.",
        ) from error
    finally:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)


def read(path: str | os.PathLike[str], record_type: type[RecordT]) -> RecordT:
    """Read a record of exactly this type, or say what the file is instead."""
    try:
        payload = Path(path).read_bytes()
    except FileNotFoundError as error:
        raise RecordMissingError(
            path, "no such file", "Run the session that writes it first, or correct the path."
        ) from error
    except OSError as error:
        raise RecordCorruptError(
            path, f"cannot be read: {error.strerror}", "Name a file that can be read."
        ) from error
    try:
        header = msgspec.json.decode(payload, type=_Header)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RecordCorruptError(
            path, f"not a record of this project ({error})", "Write it again."
        ) from error
    if header.schema_version > SCHEMA_VERSION:
        raise RecordNewerError(
            path,
            f"schema version {header.schema_version}; this checkout reads {SCHEMA_VERSION}",
            "Read it with the checkout that wrote it, or update this one.",
        )
    wanted = msgspec.inspect.type_info(record_type)
    wanted_kind = wanted.tag if isinstance(wanted, msgspec.inspect.StructType) else None
    if header.kind != wanted_kind:
        raise RecordCorruptError(
            path, f"a record of kind {header.kind!r}, not {wanted_kind!r}", "Name the right file."
        )
    try:
        return msgspec.json.decode(payload, type=record_type)
    except msgspec.ValidationError as error:
        raise RecordCorruptError(path, f"damaged: {error}", "Write it again.") from error
