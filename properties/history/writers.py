"""Who wrote each version: those who say so, and in the gaps an unknown that must have done it.

An unknown compare-and-set may have written only the version after the one it expected, so gaps do
not compete for writers. Among those that would have written the same value the one called first is
taken: it constrains least, for a write must be called before its version is seen, and having no
return it forbids nothing afterwards. Above the highest version that anybody saw, unknowns are
chained on as far as they go: a write at the very end disturbs nobody, and a refusal that says "it
was no longer version 3" may need it.

Two unknowns may compete for one version with different values, an upload that fails with one that
completes. Each choice is a *reading* of the history. It is legal if one of them is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from properties.history.records import Initial, Record

READING_LIMIT = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Each version's writer and its value. The first version has no writer, nor has a gap."""

    writer: dict[int, Record]
    value: dict[int, str]
    top: int


@dataclass(frozen=True, slots=True)
class _Path:
    """The choices up to a version, the latest first."""

    value: str
    writer: Record | None = None
    before: _Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What is said of versions: ``written`` by whom, the values ``seen``, who ``may_have``."""

    written: dict[int, Record]
    seen: dict[int, dict[str, Record]]
    may_have: dict[int, list[Record]]

    @property
    def top(self) -> int:
        """The highest version that was seen or written; 0 if there is none."""
        return max([*self.written, *self.seen], default=0)


def claims(records: Sequence[Record]) -> Claims:
    """Collect what the records say of each version."""
    found = Claims(written={}, seen={}, may_have={})
    for record in records:
        if record.may_have_written:
            if record.expected is not None:
                found.may_have.setdefault(record.expected + 1, []).append(record)
            continue
        if record.version is None or record.value is None or not record.says_something:
            continue
        if record.is_write:
            found.written.setdefault(record.version, record)
            if record.from_value is not None:
                found.seen.setdefault(record.version - 1, {}).setdefault(record.from_value, record)
        else:
            found.seen.setdefault(record.version, {}).setdefault(record.value, record)
    return found


def readings(records: Sequence[Record], initial: Initial) -> tuple[list[Reading], bool]:
    """Return the readings of one key, and whether these are all of them."""
    said = claims(records)
    paths, are_all, version = [_Path(initial.value)], True, initial.version
    top, ended = max(said.top, version), list[Reading]()
    while version < top or version + 1 in said.may_have:
        longer: list[_Path] = []
        for path in paths:
            writers = _writers(version + 1, path.value, said)
            longer += [_Path(writer.value or "", writer, path) for writer in writers]
            if not writers and version >= top:
                ended.append(_reading(path, version, initial, said))
        if not longer:
            break  # below the top: nobody can have written it, and who saw it is contradicted
        version += 1
        are_all = are_all and len(longer) <= READING_LIMIT
        paths = longer[:READING_LIMIT]
    else:
        ended += [_reading(path, version, initial, said) for path in paths]
    if version < top:
        ended = [_reading(path, version, initial, said) for path in paths]
    return ended, are_all


def _writers(version: int, before: str, said: Claims) -> Sequence[Record]:
    """Return who may be the writer of a version after one that holds ``before``."""
    if version in said.written:
        return (said.written[version],)
    seen = said.seen.get(version)
    first: dict[str, Record] = {}
    for record in said.may_have.get(version, ()):
        fits = record.from_value in (None, before) and record.value is not None
        if not fits or (seen and record.value not in seen):
            continue
        known = first.get(record.value or "")
        if known is None or record.call < known.call:
            first[record.value or ""] = record
    return tuple(first.values())


def _reading(path: _Path | None, version: int, initial: Initial, said: Claims) -> Reading:
    top = version
    # Above a gap only what was said: a checker without its rule of gaps must be able to go on.
    value = {each: next(iter(seen)) for each, seen in said.seen.items() if each > version}
    value |= {each: done.value or "" for each, done in said.written.items() if each > version}
    writer = {each: done for each, done in said.written.items() if each > version}
    while path is not None and path.writer is not None:
        writer[version], value[version] = path.writer, path.value
        path, version = path.before, version - 1
    value[initial.version] = initial.value
    return Reading(writer=writer, value=value, top=max([top, *value]))
