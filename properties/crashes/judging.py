"""What a recovered file may say, given what callers had heard when the power failed.

Nothing of the subject is asked: the states that an unbroken disk passes through are read from the
recording itself, by reopening it with nothing lost after each event (the *chain*). A power loss may
leave any state of the chain so far, and no other: that is a prefix. Which of them, the promises
decide. Rows, journal and edges are compared by code of this file's own.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass

from properties.crashes.recording import Promise, Told
from properties.crashes.reopening import Recovered
from properties.subjects import Lifecycle

SEEDED = "seed of "
"""Before the key of a promise that is about a new row and no attempt."""


class Breach(enum.Enum):
    """How a recovered file can break its word."""

    DAMAGED = "damaged"
    CONTRADICTORY = "rows and journal disagree"
    NOT_A_PREFIX = "no state that there ever was"
    LOST = "acknowledged and gone"
    FALSE = "acknowledged and otherwise"
    DENIED = "denied and there"
    UNASKED = "never asked for and there"


@dataclass(frozen=True, slots=True)
class Broken:
    """One breach, and what was found."""

    breach: Breach
    found: str


@dataclass(frozen=True, slots=True)
class Heard:
    """What callers had heard by a moment."""

    submitted: frozenset[str]
    acknowledged: dict[str, tuple[str, str, int] | None]
    denied: frozenset[str]
    unknown: frozenset[str]


def heard(told: list[Told]) -> Heard:
    """Return the latest word on every key."""
    latest: dict[str, Told] = {}
    submitted = set()
    for each in told:
        if each.promise is Promise.SUBMITTED:
            submitted.add(each.key)
        else:
            latest[each.key] = each

    def keys(promise: Promise) -> frozenset[str]:
        return frozenset(key for key, last in latest.items() if last.promise is promise)

    return Heard(
        submitted=frozenset(submitted),
        acknowledged={
            key: last.row for key, last in latest.items() if last.promise is Promise.ACKNOWLEDGED
        },
        denied=keys(Promise.DENIED),
        unknown=keys(Promise.UNKNOWN),
    )


def breaches(
    recovered: Recovered, chain: frozenset[Recovered], word: Heard, lifecycle: Lifecycle
) -> list[Broken]:
    """Return every breach of one image. ``chain`` holds the states of the unbroken disk so far."""
    if recovered.damage is not None:
        return [Broken(Breach.DAMAGED, recovered.damage)]
    found = [Broken(Breach.CONTRADICTORY, what) for what in contradictions(recovered, lifecycle)]
    if recovered not in chain:
        there = ", ".join(sorted(recovered.attempts)) or "nothing"
        found.append(Broken(Breach.NOT_A_PREFIX, f"found {there}"))
    found += _of_promises(recovered, word)
    return found


def _of_promises(recovered: Recovered, word: Heard) -> Iterator[Broken]:
    by_attempt = {entry[0]: entry for entry in recovered.entries}
    rows = {file: (version, state) for file, state, version in recovered.rows}
    gone = "".join(f"; there is no table {name}" for name in recovered.missing)
    for key, row in word.acknowledged.items():
        if key.startswith(SEEDED):
            if key.removeprefix(SEEDED) not in rows:
                yield Broken(Breach.LOST, f"{key}: no row of it is found{gone}")
        elif not recovered.has_journal:
            yield from _of_a_row(key, row, rows)
        elif key not in by_attempt:
            yield Broken(Breach.LOST, f"{key}: the journal does not have it{gone}")
        elif row is not None:
            _, file, version, _, _, state = by_attempt[key]
            if (file, state, version) != row:
                yield Broken(Breach.FALSE, f"{key}: told {row}, found {(file, state, version)}")
    for key in sorted(word.denied & set(by_attempt)):
        yield Broken(Breach.DENIED, key)
    for key in sorted(set(by_attempt) - word.submitted):
        yield Broken(Breach.UNASKED, key)


def _of_a_row(
    key: str, told: tuple[str, str, int] | None, rows: dict[str, tuple[int, str]]
) -> Iterator[Broken]:
    """Yield what a row without a journal says against an acknowledgement: it may only be later."""
    if told is None:
        return
    file, state, version = told
    at = rows.get(file, (-1, ""))
    if at[0] < version:
        yield Broken(Breach.LOST, f"{key}: told {told}, found {at}")
    elif at[0] == version and at[1] != state:
        yield Broken(Breach.FALSE, f"{key}: told {told}, found {at}")


def contradictions(recovered: Recovered, lifecycle: Lifecycle) -> Iterator[str]:
    """Yield where a file's journal is broken, takes an illegal edge, or ends beside its row.

    Without a journal, rows that no road of so many steps leads to.
    """
    if not recovered.has_journal:
        for file, state, version in sorted(recovered.rows):
            if state not in lifecycle.states_after(version):
                yield f"{file}: {version} steps do not lead to {state}"
        return
    journals: dict[str, list[tuple[str, str, int, str, str, str]]] = {}
    for entry in recovered.entries:
        journals.setdefault(entry[1], []).append(entry)
    for file, state, version in sorted(recovered.rows):
        entries = sorted(journals.pop(file, []), key=lambda entry: entry[2])
        at: tuple[str, int] = (lifecycle.initial, 0)
        for _, _, number, event, source, target in entries:
            is_next = (source, number) == (at[0], at[1] + 1)
            if not is_next or target != lifecycle.target(source, event):
                yield f"{file}: {source} --{event}--> {target} at {number} follows {at}"
            at = (target, number)
        if at != (state, version):
            yield f"{file}: row {state} at {version}, journal {at[0]} at {at[1]}"
    for file in sorted(journals):
        yield f"{file}: journal without a row"
