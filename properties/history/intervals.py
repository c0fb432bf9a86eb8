"""The interval checker: for compare-and-set on unique versions, exact in O(n log n).

Versions fix the order of the writes, so there is nothing to search for. Everything that saw or
wrote version *v* forms cluster *v*: its writer and its readers. A linearization puts the clusters
in the order of their versions, in each the writer first. It exists exactly when no rule is broken;
each is here because without it a history like this one would pass:

``one writer``
    Two that were told ok at the same version: A makes version 1 of 0, B makes version 1 of 0. One
    update is lost. What a key held in the beginning counts as written.
``no jump``
    Every version that was seen or overwritten was written, and a compare-and-set makes the version
    after the one it expected: R reads version 2, and nobody but A, who made version 1, ever wrote.
``one value``
    A version has the value its writer gave it: A makes version 1 of value 'a', R reads 'b' at
    version 1.
``no read before its write``
    R reads version 1 and returns before A, who made it, was called: seen from the future.
``real-time order``
    Nothing of a later cluster returned before something of an earlier one was called: A makes
    version 1 and returns; then R is called, and reads version 0. Without real time it would be
    sequentially consistent, and stale all the same.
``refusals were true``
    A failed compare-and-set that says "stale" or "not from this value" must have met such a version
    while it ran. It is put into the *least* cluster where it is true. A returns with version 1;
    then B is told that version 1, which it expected, was not there, and nobody made version 2.

The last three are one sweep over the calls and returns in order. It keeps the highest version of
all that has returned: whoever is called now stands there or above. A refusal takes the least
version from there on that makes it true. That is never worse than any other choice: what it
demands of those called later grows with its version, and so does the set of writers that must have
been called before it returned; and by induction over the calls no legal placement has any refusal
lower. So if a legal placement exists, this one is legal.

Sources. Registers with unique writes can be decided in polynomial time where the general problem
is NP-complete: P. B. Gibbons and E. Korach, *Testing Shared Memories* (1997), whose clusters and
zones these are. What is checked is linearizability as in M. P. Herlihy and J. M. Wing (1990).
J. M. Wing and C. Gong (1993), G. Lowe (2017) and A. Athalye's Porcupine search instead, which
works for any object; `search` is such a one, and both must agree (`crosscheck`).

Choices. Gibbons and Korach order the writes by the zones, because their registers have no versions;
ours are given, so the zones are only compared. Refusals are observations here, elsewhere they are
dropped or return a bare false. Intervals are closed: who returns at the moment of another's call
overlaps it.
"""

from __future__ import annotations

import enum
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from properties.history.records import FOREVER, Initial, Record
from properties.history.verdicts import Contradiction, answered
from properties.history.writers import Reading


class Rule(enum.Enum):
    """What must hold of clusters, see above."""

    ONE_WRITER = "one writer"
    NO_JUMP = "no jump"
    ONE_VALUE = "one value"
    NO_READ_BEFORE_ITS_WRITE = "no read before its write"
    REAL_TIME_ORDER = "real-time order"
    REFUSALS_WERE_TRUE = "refusals were true"


EVERY_RULE = frozenset(Rule)


def contradictions(
    records: Sequence[Record],
    initial: Initial,
    reading: Reading,
    rules: frozenset[Rule] = EVERY_RULE,
) -> Iterator[Contradiction]:
    """Yield what is contradictory in one key under one reading; nothing if it is legal."""
    case = _Case(records, initial, reading, rules)
    if Rule.ONE_WRITER in rules:
        yield from case.second_writers()
    if Rule.NO_JUMP in rules:
        yield from case.jumps()
    if Rule.ONE_VALUE in rules:
        yield from case.other_values()
    for found in case.sweep():
        if Rule(found.rule) in rules:
            yield found


def _version(record: Record) -> int:
    if record.version is None:
        raise ValueError(f"{record.name} has no version")
    return record.version


def _found(rule: Rule, first: Record | None, second: Record, sentence: str) -> Contradiction:
    return Contradiction(rule=rule.value, first=first, second=second, sentence=sentence)


@dataclass(frozen=True, slots=True)
class _Case:
    records: Sequence[Record]
    initial: Initial
    reading: Reading
    rules: frozenset[Rule]

    def second_writers(self) -> Iterator[Contradiction]:
        for record in self.records:
            if not record.is_write:
                continue
            if _version(record) <= self.initial.version:
                sentence = (
                    f"{record.name} was told that it wrote version {record.version}, but the key "
                    f"began at version {self.initial.version}"
                )
                yield _found(Rule.ONE_WRITER, None, record, sentence)
                continue
            first = self.reading.writer.get(_version(record), record)
            if first is not record:
                sentence = (
                    f"{first.name} and {record.name} were both told that they wrote version "
                    f"{record.version}; only one can have"
                )
                yield _found(Rule.ONE_WRITER, first, record, sentence)

    def jumps(self) -> Iterator[Contradiction]:
        needed: dict[int, Record] = {}
        for record in self.records:
            if record.version is None or not record.says_something:
                continue
            needed.setdefault(record.version, record)
            if record.is_write:
                needed.setdefault(record.version - 1, record)
                if record.expected not in (None, record.version - 1):
                    sentence = (
                        f"{record.name} expected version {record.expected} and wrote version "
                        f"{record.version}; it can only have written {_after(record.expected)}"
                    )
                    yield _found(Rule.NO_JUMP, record, record, sentence)
        for version in sorted(needed):
            if version <= self.initial.version or version in self.reading.writer:
                continue
            yield self._nobody_wrote(version, needed[version])

    def _nobody_wrote(self, version: int, witness: Record) -> Contradiction:
        below = self.reading.writer.get(version - 1)
        suspect = next(
            (
                each
                for each in self.records
                if each.expected == version - 1 and each is not witness and not each.is_write
            ),
            None,
        )
        if suspect is not None and suspect.may_have_written:
            # It would fill the gap but for its value: then who saw another one contradicts it.
            witness = next(
                (each for each in self.records if _denies(each, version, suspect.value)), witness
            )
        how = "overwrote" if witness.is_write and witness.version != version else "saw"
        sentence = f"{witness.name} {how} version {version}, which nobody wrote"
        if suspect is not None:
            sentence += f": {suspect.name}, which expected {version - 1}, ended "
            sentence += f"{answered(suspect)}"
            if suspect.may_have_written:
                sentence += f" and would have made {suspect.value!r}"
            return _found(Rule.NO_JUMP, suspect, witness, sentence)
        if below is not None:
            sentence += f"; {below.name} wrote version {version - 1}, and nobody moved it on"
        else:
            sentence += f"; nobody wrote version {version - 1} either" * (
                version - 1 > self.initial.version
            )
        return _found(Rule.NO_JUMP, below, witness, sentence)

    def other_values(self) -> Iterator[Contradiction]:
        written = {each.name for each in self.reading.writer.values()}
        for record in self.records:
            claimed: list[tuple[int, str | None]] = []
            if record.name in written:
                version = next_version(record)
                claimed = [(version - 1, record.from_value)]
            elif record.version is not None and record.says_something and not record.is_write:
                claimed = [(record.version, record.value)]
            for version, value in claimed:
                stands = self.reading.value.get(version)
                if value is None or stands in (None, value):
                    continue
                writer = self.reading.writer.get(version)
                who = "it began" if writer is None else f"{writer.name} wrote it"
                sentence = (
                    f"{record.name} found {value!r} at version {version}, but {who} as {stands!r}"
                )
                yield _found(Rule.ONE_VALUE, writer, record, sentence)

    def sweep(self) -> Iterator[Contradiction]:
        place = self._places()
        ladder = _Ladder(self.reading)
        moments: list[tuple[float, int, int]] = []
        for index, record in enumerate(self.records):
            if record.name in place or (
                record.is_refusal and Rule.REFUSALS_WERE_TRUE in self.rules
            ):
                moments.append((record.call, 0, index))
                if record.end != FOREVER:
                    moments.append((record.end, 1, index))
        moments.sort()
        called: set[str] = set()
        least, highest = self.initial.version, None
        for _, is_return, index in moments:
            record = self.records[index]
            if not is_return:
                called.add(record.name)
                if record.is_refusal:
                    version = ladder.least_fitting(record, least)
                    if version is None:
                        yield self._never_true(record, highest, least)
                        version = least
                    place[record.name] = version
                elif place[record.name] < least:
                    yield self._late(record, place[record.name], highest, least)
                continue
            version = place[record.name]
            writer = self.reading.writer.get(version)
            if writer is not None and writer.name not in called:
                sentence = (
                    f"{_saw(record, version)} and had returned before {writer.name}, which wrote "
                    f"version {version}, was called"
                )
                yield _found(Rule.NO_READ_BEFORE_ITS_WRITE, record, writer, sentence)
            if version > least:
                least, highest = version, record

    def _places(self) -> dict[str, int]:
        place = {
            each.name: each.version
            for each in self.records
            if each.version is not None and each.says_something
        }
        return place | {writer.name: version for version, writer in self.reading.writer.items()}

    def _late(
        self, record: Record, version: int, highest: Record | None, least: int
    ) -> Contradiction:
        if highest is None:
            sentence = f"{_saw(record, version)}, but the key began at version {least}"
        else:
            sentence = (
                f"{_saw(highest, least)} and had returned before {record.name}, which "
                f"{_verb(record)} version {version}, was called"
            )
        return _found(Rule.REAL_TIME_ORDER, highest, record, sentence)

    def _never_true(self, record: Record, highest: Record | None, least: int) -> Contradiction:
        stands = self.reading.value.get(least)
        since = (
            f"the key began at version {least}"
            if highest is None
            else f"{_saw(highest, least)} before that"
        )
        sentence = (
            f"{record.name} was refused ({answered(record).removeprefix('fail: ')}), but {since}, "
            f"with {stands!r}, and no version from there on makes the refusal true"
        )
        return _found(Rule.REFUSALS_WERE_TRUE, highest, record, sentence)


def next_version(record: Record) -> int:
    """Return the version that a chosen writer made."""
    if record.version is not None:
        return record.version
    return (record.expected or 0) + 1


def _denies(record: Record, version: int, value: str | None) -> bool:
    """Whether it found another value at a version."""
    if record.is_write:
        return _version(record) == version + 1 and record.from_value not in (None, value)
    return record.says_something and record.version == version and record.value != value


def _after(version: int | None) -> int:
    return (version or 0) + 1


def _verb(record: Record) -> str:
    if record.is_refusal:
        return "can have met at the earliest"
    return "read" if record.version is not None and not record.is_write else "wrote"


def _saw(record: Record, version: int) -> str:
    if record.is_refusal:
        told = answered(record).removeprefix("fail: ")
        return f"{record.name}, refused ({told}), met version {version} or a later one"
    return f"{record.name} {_verb(record)} version {version}"


class _Ladder:
    """The versions in order, to find the least one that makes a refusal true."""

    def __init__(self, reading: Reading) -> None:
        self._versions = sorted(reading.value)
        self._of_value: dict[str, list[int]] = {}
        for version in self._versions:
            self._of_value.setdefault(reading.value[version], []).append(version)

    def least_fitting(self, refusal: Record, least: int) -> int | None:
        """Return the least version >= ``least`` of which the refusal is true, or None."""
        if refusal.only_in is None:
            lists = [self._versions]
        else:
            lists = [self._of_value.get(value, []) for value in refusal.only_in]
        fitting = []
        for versions in lists:
            index = bisect_left(versions, least)
            if refusal.is_stale and versions[index : index + 1] == [refusal.expected]:
                index += 1
            fitting += versions[index : index + 1]
        return min(fitting, default=None)
