"""Histories in files: the JSON of docs/histories.md in both directions, and Jepsen's EDN out."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import TypeVar

from properties.history.records import (
    History,
    Initial,
    Kind,
    MalformedHistoryError,
    Outcome,
    Record,
)
from reports import schema
from reports.schema import HistoryRecord, InitialRecord, OperationRecord

E = TypeVar("E", Kind, Outcome)


def read(path: str | os.PathLike[str]) -> tuple[HistoryRecord, History]:
    """Return the file's record and its history.

    Raises ``RecordError`` where it is no such file, ``MalformedHistoryError`` where it is one and
    its operations make no sense.
    """
    record = schema.read(path, HistoryRecord)
    return record, from_record(record)


def write(path: str | os.PathLike[str], history: History) -> None:
    """Write a history whole or not at all. Raises ``RecordNotWrittenError``."""
    schema.write(path, to_record(history))


def to_record(history: History) -> HistoryRecord:
    """Return a history as it is written."""
    return HistoryRecord(
        schema_version=schema.SCHEMA_VERSION,
        initial={
            key: InitialRecord(version=held.version, value=held.value)
            for key, held in history.initial.items()
        },
        operations=[
            OperationRecord(
                name=each.name,
                process=each.process,
                key=each.key,
                kind=each.kind.value,
                outcome=each.outcome.value,
                call=each.call,
                ret=each.ret,
                version=each.version,
                value=each.value,
                expected=each.expected,
                from_value=each.from_value,
                is_stale=each.is_stale,
                only_in=None if each.only_in is None else sorted(each.only_in),
            )
            for each in history.records
        ],
    )


def from_record(record: HistoryRecord) -> History:
    """Return the history that was written; raises ``MalformedHistoryError``."""
    records = [
        Record(
            name=each.name,
            process=each.process,
            key=each.key,
            kind=_one_of(Kind, each.kind, each.name),
            outcome=_one_of(Outcome, each.outcome, each.name),
            call=each.call,
            ret=each.ret,
            version=each.version,
            value=each.value,
            expected=each.expected,
            from_value=each.from_value,
            is_stale=each.is_stale,
            only_in=None if each.only_in is None else frozenset(each.only_in),
        )
        for each in record.operations
    ]
    initial = {
        key: Initial(version=held.version, value=held.value) for key, held in record.initial.items()
    }
    return History(records=tuple(records), initial=initial).checked()


def _one_of(choices: type[E], word: str, name: str) -> E:
    try:
        return choices(word)
    except ValueError:
        known = ", ".join(repr(each.value) for each in choices)
        raise MalformedHistoryError(
            f"operation {name!r}: {word!r} is none of {known}; write one of them."
        ) from None


def edn(history: History) -> str:
    """Return the history as Jepsen writes one: a map a line, an invocation and its completion.

    Each operation is a process of its own, for in Jepsen a process that crashed never calls again.
    Values are ``[key value version]`` and ``[key [expected from-value] value]``: a model that reads
    them needs `independent` keys and a versioned register.
    """
    moments: list[tuple[int, int, int, str]] = []
    for index, each in enumerate(history.records):
        moments.append((each.call, 0, index, _line(index, each, "invoke")))
        if each.ret is not None:
            told = {Outcome.OK: "ok", Outcome.FAIL: "fail", Outcome.UNKNOWN: "info"}[each.outcome]
            moments.append((each.ret, 1, index, _line(index, each, told)))
    return "".join(f"{line}\n" for *_, line in sorted(moments))


def _line(process: int, record: Record, kind: str) -> str:
    moment = record.call if kind == "invoke" else record.ret
    pairs = [
        f":process {process}",
        f":type :{kind}",
        f":f :{'read' if record.kind is Kind.READ else 'cas'}",
        f":value [{' '.join(_words(record, kind))}]",
        f":time {moment}",
        *_reasons(record, kind),
    ]
    return "{" + ", ".join(pairs) + "}"


def _words(record: Record, kind: str) -> Iterator[str]:
    yield _atom(record.key)
    if record.kind is Kind.READ:
        seen = kind == "ok"
        yield _atom(record.value if seen else None)
        yield _atom(record.version if seen else None)
    else:
        yield f"[{_atom(record.expected)} {_atom(record.from_value)}]"
        yield _atom(record.value)
        if kind == "ok":
            yield _atom(record.version)


def _reasons(record: Record, kind: str) -> Iterator[str]:
    if kind != "fail":
        return
    if record.is_stale:
        yield ":error :stale"
    if record.only_in is not None:
        yield f":only-in #{{{' '.join(map(_atom, sorted(record.only_in)))}}}"


def _atom(value: str | int | None) -> str:
    return "nil" if value is None else json.dumps(value)
