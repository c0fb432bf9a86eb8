"""A history of operations in a file: docs/histories.md."""

from reports.schema.parts import Count, Record


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
