"""Histories to disagree about: legal by construction, slightly damaged, and random.

A legal one is acted out: up to four processes call, take effect and return in a random order, and
some never hear what became of them. A damaged one is a legal one with one or two lies in it, which
may or may not be noticed. Random ones are small, so that legal ones are among them by chance.
Everything is drawn from one ``random.Random``: the same state of it gives the same history.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from properties.history.records import (
    History,
    Initial,
    Kind,
    MalformedHistoryError,
    Outcome,
    Record,
)

VALUES = ("a", "b", "c")
KEYS = ("x", "y", "z")


@dataclass(slots=True)
class _Pending:
    """An operation under way: ``record`` as it would be if it ended now."""

    record: Record
    is_done: bool = False


@dataclass(slots=True)
class _Stage:
    """The real objects, the moment, and who is at what."""

    rng: Random
    state: dict[str, Initial]
    moment: int = 0
    records: list[Record] = field(default_factory=list)
    running: dict[int, _Pending] = field(default_factory=dict)
    orphans: list[_Pending] = field(default_factory=list)
    count: int = 0

    def now(self) -> int:
        # Sometimes two things happen at one moment: intervals are closed, and that must be so.
        self.moment += self.rng.random() < 0.9
        return self.moment

    def call(self, process: int) -> None:
        rng, key = self.rng, self.rng.choice(tuple(self.state))
        self.count += 1
        record = Record(
            name=f"{process}.{self.count}",
            process=str(process),
            key=key,
            kind=Kind.READ if rng.random() < 0.4 else Kind.CAS,
            outcome=Outcome.UNKNOWN,
            call=self.now(),
            ret=None,
        )
        if record.kind is Kind.CAS:
            held = self.state[key]
            record = dataclasses.replace(
                record,
                expected=max(0, held.version + rng.choice((-1, 0, 0, 0, 0, 1))),
                from_value=rng.choice((None, None, held.value, rng.choice(VALUES))),
                value=rng.choice(VALUES),
            )
            if rng.random() < 0.03:
                record = dataclasses.replace(record, expected=None)
        self.running[process] = _Pending(record)

    def take_effect(self, pending: _Pending) -> None:
        record, held = pending.record, self.state[pending.record.key]
        pending.is_done = True
        if record.kind is Kind.READ:
            pending.record = dataclasses.replace(
                record, outcome=Outcome.OK, version=held.version, value=held.value
            )
        elif record.expected not in (None, held.version):
            is_stale = self.rng.random() < 0.8
            pending.record = dataclasses.replace(record, outcome=Outcome.FAIL, is_stale=is_stale)
        elif record.from_value not in (None, held.value):
            told = frozenset({held.value, self.rng.choice(VALUES)})
            only_in = told if self.rng.random() < 0.8 else None
            pending.record = dataclasses.replace(record, outcome=Outcome.FAIL, only_in=only_in)
        else:
            made = Initial(version=held.version + 1, value=record.value or "")
            self.state[record.key] = made
            pending.record = dataclasses.replace(record, outcome=Outcome.OK, version=made.version)

    def end(self, process: int, *, is_lost: bool) -> None:
        pending = self.running.pop(process)
        record, ret = pending.record, self.now()
        if is_lost or not pending.is_done:
            # The caller leaves; what was asked may still happen, and nobody will say.
            self.records.append(
                dataclasses.replace(
                    record,
                    outcome=Outcome.UNKNOWN,
                    ret=ret,
                    version=None,
                    value=None if record.kind is Kind.READ else record.value,
                    is_stale=False,
                    only_in=None,
                )
            )
            if not pending.is_done and self.rng.random() < 0.5:
                self.orphans.append(pending)
        else:
            self.records.append(dataclasses.replace(record, ret=ret))


def legal(rng: Random) -> History:
    """Act a history out: it is linearizable, for it happened so."""
    key_count, process_count = rng.choice((1, 1, 1, 2, 3)), rng.randint(1, 4)
    initial = {
        key: Initial(version=rng.choice((0, 0, 3)), value=rng.choice(VALUES))
        for key in KEYS[:key_count]
    }
    stage, wanted = _Stage(rng, dict(initial)), rng.randint(2, 6 + 4 * key_count)
    lost_share = rng.choice((0.0, 0.1, 0.3))
    while len(stage.records) < wanted:
        if stage.orphans and rng.random() < 0.2:
            stage.take_effect(stage.orphans.pop(rng.randrange(len(stage.orphans))))
            continue
        process = rng.randrange(process_count)
        pending = stage.running.get(process)
        if pending is None:
            stage.call(process)
        elif rng.random() < lost_share / 2:
            stage.end(process, is_lost=True)
        elif pending.is_done:
            stage.end(process, is_lost=rng.random() < lost_share)
        else:
            stage.take_effect(pending)
    for process in tuple(stage.running):
        stage.end(process, is_lost=rng.random() < lost_share)
    return History(records=tuple(stage.records), initial=initial).checked()


Lie = Callable[[Random, Record], Record]


def _another_version(rng: Random, record: Record) -> Record:
    if record.version is None:
        return record
    return dataclasses.replace(record, version=max(0, record.version + rng.choice((-1, 1))))


def _another_value(rng: Random, record: Record) -> Record:
    return dataclasses.replace(record, value=rng.choice(VALUES))


def _another_expectation(rng: Random, record: Record) -> Record:
    if record.expected is None:
        return record
    moved = max(0, record.expected + rng.choice((-1, 1)))
    version = None if record.version is None else moved + 1
    return dataclasses.replace(record, expected=moved, version=version)


def _another_time(rng: Random, record: Record) -> Record:
    call = max(0, record.call + rng.randint(-6, 6))
    length = rng.randint(0, 4)
    return dataclasses.replace(record, call=call, ret=call + length)


def _another_end(rng: Random, record: Record) -> Record:
    if record.kind is Kind.READ:
        return record
    if record.outcome is Outcome.OK:
        is_stale = rng.random() < 0.3 and record.expected is not None
        return dataclasses.replace(record, outcome=Outcome.FAIL, version=None, is_stale=is_stale)
    if record.expected is None:
        return record
    return dataclasses.replace(
        record,
        outcome=Outcome.OK,
        version=record.expected + 1,
        is_stale=False,
        only_in=None,
        ret=record.ret if record.ret is not None else record.call,
    )


def _another_reason(rng: Random, record: Record) -> Record:
    if record.outcome is not Outcome.FAIL or record.kind is Kind.READ:
        return record
    only_in = frozenset(rng.sample(VALUES, rng.randint(0, 2)))
    return dataclasses.replace(record, only_in=only_in)


LIES: tuple[Lie, ...] = (
    _another_version,
    _another_value,
    _another_expectation,
    _another_time,
    _another_time,
    _another_end,
    _another_reason,
)


def damaged(rng: Random) -> History:
    """Return a legal history in which one or two records are changed, left out or repeated."""
    whole = legal(rng)
    records = list(whole.records)
    for _ in range(rng.randint(1, 2)):
        index = rng.randrange(len(records))
        what = rng.random()
        if what < 0.1 and len(records) > 1:
            del records[index]
        elif what < 0.2:
            again = dataclasses.replace(records[index], name=f"again.{len(records)}")
            records.append(again)
        else:
            records[index] = rng.choice(LIES)(rng, records[index])
    try:
        return History(records=tuple(records), initial=whole.initial).checked()
    except MalformedHistoryError:
        return whole  # a lie that is no record at all


def random_history(rng: Random) -> History:
    """Return a small history of records that know nothing of each other."""
    records = []
    for number in range(rng.randint(1, 6)):
        call = rng.randint(0, 10)
        version, shape = rng.randint(0, 3), rng.randrange(6)
        kind = Kind.READ if shape < 2 else Kind.CAS
        record = Record(
            name=f"r{number}",
            process=f"r{number}",
            key="x",
            kind=kind,
            outcome=Outcome.OK,
            call=call,
            ret=call + rng.randint(0, 6),
            value=rng.choice(VALUES[:2]),
            version=version,
        )
        if shape >= 2:
            record = dataclasses.replace(
                record,
                version=version + 1 if shape < 4 else None,
                expected=version,
                from_value=rng.choice((None, None, *VALUES[:2])),
            )
        if shape == 4:
            record = dataclasses.replace(record, outcome=Outcome.UNKNOWN)
        elif shape == 5:
            record = dataclasses.replace(
                record,
                outcome=Outcome.FAIL,
                is_stale=rng.random() < 0.7,
                only_in=rng.choice((None, frozenset(VALUES[:1]), frozenset(VALUES[1:2]))),
            )
        records.append(record)
    return History(
        records=tuple(records), initial={"x": Initial(version=0, value=VALUES[0])}
    ).checked()


KINDS: dict[str, Callable[[Random], History]] = {
    "legal": legal,
    "damaged": damaged,
    "random": random_history,
}
"""How a history is drawn, by name."""


def drawn(seed: int, index: int) -> tuple[str, History]:
    """Return history number ``index`` of a seed, and how it was drawn."""
    kind = tuple(KINDS)[index % len(KINDS)]
    return kind, KINDS[kind](Random(f"{seed}/{index}"))
