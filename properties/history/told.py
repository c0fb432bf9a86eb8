"""From what subjects were asked and answered to records that a checker can judge.

An answer that says why nothing was written is an observation: *stale* met another version than the
one expected, *not allowed* a state without the edge, *rejected* a state with it. *Busy* and
*failed* saw nothing. *Stale* without an expected version says that the row moved while the attempt
ran; that is no observation of one moment, and says nothing here.

Afterwards the journal knows what became of each unknown: it took effect at the version that the
journal gives it, at some moment before the journal was read, or it never did. Without a journal an
unknown attempt whose event leads elsewhere from each state is a record for each such state, any of
which may have written: that excuses one write too many, and accuses nobody.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

from properties.history.audit import Snapshot
from properties.history.operations import Observation, Operation
from properties.history.records import History, Initial, Kind, Outcome, Record
from properties.subjects import Answer, AnswerKind, Lifecycle


def history_of(
    operations: Sequence[Operation],
    observations: Iterable[Observation],
    snapshot: Snapshot | None,
    *,
    lifecycle: Lifecycle,
) -> History:
    """Return the history of every file; each began in its initial state at version 0.

    ``snapshot`` is from when nothing ran any more. Without a journal in it unknowns stay unknown.
    Raises ``MalformedHistoryError`` when an operation was told what no subject may say.
    """
    records = [_attempt(each, lifecycle) for each in operations]
    records += [_read(number, each) for number, each in enumerate(observations, 1)]
    if snapshot is not None and snapshot.has_journal:
        records = _settled(records, snapshot)
    events = {each.attempt_id: each.request.event for each in operations}
    records = [
        part for each in records for part in _by_source(each, events.get(each.name, ""), lifecycle)
    ]
    keys = sorted({record.key for record in records})
    start = dict.fromkeys(keys, Initial(version=0, value=lifecycle.initial))
    return History(records=tuple(records), initial=start).checked()


def _attempt(operation: Operation, lifecycle: Lifecycle) -> Record:
    request, answer = operation.request, operation.answer
    record = Record(
        name=operation.attempt_id,
        process=operation.attempt_id if operation.actor == "worker" else operation.actor,
        key=request.file_path,
        kind=Kind.CAS,
        outcome=Outcome.UNKNOWN,
        call=operation.begin,
        ret=operation.end,
        expected=request.expected_version,
        value=_target(request.event, lifecycle),
    )
    if answer is None:
        return record
    if answer.kind.says_unmoved:
        sources = frozenset(_sources(request.event, lifecycle))
        return _refusal(record, answer.kind, sources, frozenset(lifecycle.edges))
    if answer.kind.says_moved and answer.version is not None:
        return _success(record, answer)
    return record


def _success(record: Record, answer: Answer) -> Record:
    return dataclasses.replace(
        record,
        outcome=Outcome.OK,
        version=answer.version,
        value=answer.to_state or record.value,
        from_value=answer.from_state,
    )


def _refusal(
    record: Record, kind: AnswerKind, sources: frozenset[str], states: frozenset[str]
) -> Record:
    only_in = {AnswerKind.NOT_ALLOWED: states - sources, AnswerKind.REJECTED: sources}.get(kind)
    return dataclasses.replace(
        record,
        outcome=Outcome.FAIL,
        is_stale=kind is AnswerKind.STALE and record.expected is not None,
        only_in=only_in,
    )


def _read(number: int, seen: Observation) -> Record:
    return Record(
        name=f"read-{number}",
        process=seen.actor,
        key=seen.file_path,
        kind=Kind.READ,
        outcome=Outcome.OK,
        call=seen.begin,
        ret=seen.end,
        version=seen.version,
        value=seen.state,
    )


def _settled(records: Sequence[Record], snapshot: Snapshot) -> list[Record]:
    """Replace each unknown by what the journal says of it."""
    moment = 1 + max((each.ret or each.call for each in records), default=0)
    entries = {each.attempt_id: each for each in snapshot.journal}
    settled = []
    for record in records:
        if record.may_have_written:
            entry = entries.get(record.name)
            if entry is None:
                record = dataclasses.replace(record, outcome=Outcome.FAIL, ret=moment)
            else:
                record = dataclasses.replace(
                    record,
                    outcome=Outcome.OK,
                    ret=moment,
                    version=entry.version,
                    value=entry.to_state,
                    from_value=entry.from_state,
                )
        settled.append(record)
    return settled


def _by_source(record: Record, event: str, lifecycle: Lifecycle) -> list[Record]:
    if not record.may_have_written or record.value is not None:
        return [record]
    return [
        dataclasses.replace(
            record, name=f"{record.name} from {source}", from_value=source, value=target
        )
        for source, target in _sources(event, lifecycle).items()
    ]


def _sources(event: str, lifecycle: Lifecycle) -> dict[str, str]:
    """Return the states that an event leaves, and where it leads from each."""
    return {state: nexts[event] for state, nexts in lifecycle.edges.items() if event in nexts}


def _target(event: str, lifecycle: Lifecycle) -> str | None:
    """Return where an event leads, if that does not depend on the state."""
    targets = set(_sources(event, lifecycle).values())
    return targets.pop() if len(targets) == 1 else None
