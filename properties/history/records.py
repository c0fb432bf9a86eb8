"""What a history is made of: operations on versioned values, each with an interval and an end.

An operation runs over the closed interval [call, ret] of logical moments and ends in one of three
ways, as in Jepsen (<https://github.com/jepsen-io/jepsen>, where *unknown* is called *info*):

* **ok**: it took effect, once, at some moment of the interval;
* **fail**: it took no effect. It may say why, and then it is an observation like a read;
* **unknown**: it took effect once at any moment after its call, or never. Whoever was cancelled
  while the commit was under way can say no more than that.

A value has a version that counts up by one with each write. A compare-and-set takes effect only on
the version it expects, so versions are unique and their order is the order of the writes.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

FOREVER = float("inf")


class Kind(enum.Enum):
    """What was asked."""

    READ = "read"
    CAS = "compare-and-set"


class Outcome(enum.Enum):
    """How it ended for its caller."""

    OK = "ok"
    FAIL = "fail"
    UNKNOWN = "unknown"


class MalformedHistoryError(Exception):
    """The records are no history; the message says which one, why, and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One operation on one key. ``name`` is unique in its history, moments are logical.

    A read that is ok saw ``value`` at ``version``. A compare-and-set expects ``expected`` (and
    ``from_value``, if it says so) and writes ``value``; when it is ok it knows the ``version``
    that it made. ``expected`` is None where the caller took whatever version there was.

    A failed operation may be an observation: ``is_stale`` says that the version was not the
    expected one, ``only_in`` that the value was one of these.
    """

    name: str
    process: str
    key: str
    kind: Kind
    outcome: Outcome
    call: int
    ret: int | None
    version: int | None = None
    value: str | None = None
    expected: int | None = None
    from_value: str | None = None
    is_stale: bool = False
    only_in: frozenset[str] | None = None

    @property
    def end(self) -> float:
        """The last moment at which it can have taken effect."""
        return FOREVER if self.ret is None or self.outcome is Outcome.UNKNOWN else self.ret

    @property
    def is_write(self) -> bool:
        """Whether it is known to have written."""
        return self.kind is Kind.CAS and self.outcome is Outcome.OK

    @property
    def may_have_written(self) -> bool:
        """Whether it is not known if it wrote."""
        return self.kind is Kind.CAS and self.outcome is Outcome.UNKNOWN

    @property
    def is_refusal(self) -> bool:
        """Whether it failed and said why."""
        return self.outcome is Outcome.FAIL and (self.is_stale or self.only_in is not None)

    @property
    def says_something(self) -> bool:
        """Whether a history is more constrained with it than without.

        A failure without a reason and a read that never came back say nothing.
        """
        return self.outcome is Outcome.OK or self.may_have_written or self.is_refusal

    def is_true_of(self, version: int, value: str) -> bool:
        """Whether a refusal is true while ``value`` stands at ``version``."""
        if self.is_stale and version == self.expected:
            return False
        return self.only_in is None or value in self.only_in


@dataclass(frozen=True, slots=True, kw_only=True)
class Initial:
    """What a key holds before anything is called."""

    version: int
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """All records, and what each key held in the beginning."""

    records: tuple[Record, ...]
    initial: Mapping[str, Initial] = field(default_factory=dict)

    def by_key(self) -> dict[str, list[Record]]:
        """Return the records of each key.

        Each key may be judged alone: a history is linearizable if and only if it is so for each
        of its objects (Herlihy and Wing 1990, theorem 1).
        """
        found: dict[str, list[Record]] = {}
        for record in self.records:
            found.setdefault(record.key, []).append(record)
        return found

    def checked(self) -> History:
        """Return itself; raises ``MalformedHistoryError`` where a record contradicts its form."""
        names: set[str] = set()
        for record in self.records:
            if record.name in names:
                raise MalformedHistoryError(
                    f"two operations are named {record.name!r}; give each a name of its own."
                )
            names.add(record.name)
            what = _wrong_with(record)
            if what is None and record.key not in self.initial:
                what = f"nothing says what {record.key!r} held in the beginning; add it to initial"
            if what is not None:
                raise MalformedHistoryError(f"operation {record.name!r}: {what}.")
        return self


def _wrong_with(record: Record) -> str | None:
    if record.ret is not None and record.ret < record.call:
        return f"returned at {record.ret}, before it was called at {record.call}"
    if record.ret is None and record.outcome is not Outcome.UNKNOWN:
        return f"ended {record.outcome.value} but never returned; say unknown, or when"
    if record.outcome is Outcome.OK and (record.version is None or record.value is None):
        return "ok needs the version and the value that it saw or wrote"
    if record.outcome is not Outcome.OK and record.version is not None:
        return f"{record.outcome.value} knows of no version; only an operation that is ok does"
    if record.kind is Kind.READ:
        if record.is_stale or record.only_in is not None:
            return "a read is not refused; only a compare-and-set is"
        if record.expected is not None or record.from_value is not None:
            return "a read expects nothing; take expected and from_value away"
        return None
    if record.value is None and record.outcome is not Outcome.FAIL:
        return "a compare-and-set needs the value that it writes"
    if record.is_stale and record.expected is None:
        return "stale needs the version that was expected"
    if record.outcome is not Outcome.FAIL and (record.is_stale or record.only_in is not None):
        return "only a failed operation says why it was refused"
    return None


def history(records: Iterable[Record], initial: Mapping[str, Initial]) -> History:
    """Return a checked history."""
    return History(records=tuple(records), initial=dict(initial)).checked()
