"""What every caller was told, and whether it can be true: the check of all workloads that write.

After a run three judges look. The core's own audit reads the file; the journal and the versions are
counted against what callers were told; and the properties' history checker asks whether all answers
together could have come from one row at a time. A lost update is an answer that no order explains.
"""

from __future__ import annotations

import contextlib
import itertools
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from benchmarks import database
from benchmarks.ring import RING
from fsmcore import Lifecycle
from properties.history.audit import Snapshot, snapshot
from properties.history.checker import check
from properties.history.records import Initial, Kind, MalformedHistoryError, Outcome, Record
from properties.history.records import history as checked_history
from properties.history.verdicts import Finding


class Moved(NamedTuple):
    """A transition that its caller was told is committed."""

    from_state: str
    to_state: str
    version: int


class Entry(NamedTuple):
    """One call and its answer. ``moved`` is None where nothing moved, or where nobody knows."""

    attempt_id: str
    caller: str
    key: str
    called: int
    returned: int
    moved: Moved | None
    is_unknown: bool = False
    is_read: bool = False

    @property
    def took(self) -> int:
        """How long the caller waited, in the ledger's unit."""
        return self.returned - self.called


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """What is wrong, and how many transitions the file holds."""

    violations: list[str]
    committed_count: int


class Ledger:
    """Notes calls and answers in the order of their ends.

    ``moment`` gives increasing numbers that all callers share: nanoseconds of a clock, or the
    ticks of a counter where time is virtual.
    """

    def __init__(self, moment: Callable[[], int] = time.perf_counter_ns) -> None:
        """Hold nothing."""
        self.moment = moment
        self.entries: list[Entry] = []
        self._forgotten_count = 0

    def forget(self) -> None:
        """Leave what was noted so far out of ``noted``; it still happened, and is audited."""
        self._forgotten_count = len(self.entries)

    def noted(self) -> Iterator[Entry]:
        """Yield what was noted since ``forget``."""
        return itertools.islice(self.entries, self._forgotten_count, None)

    @property
    def told_count(self) -> int:
        """How many callers were told of a commit, from the very beginning."""
        return sum(each.moved is not None and not each.is_read for each in self.entries)

    def audit(self, path: Path, lifecycle: Lifecycle = RING) -> Audit:
        """Judge the file and the answers together; nobody may be using the file."""
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
            seen = snapshot(db)
        records = list(self._records(seen))
        committed = sum(each.kind is Kind.CAS and each.outcome is Outcome.OK for each in records)
        found = database.violations(path, committed, lifecycle)
        try:
            initial = dict.fromkeys(seen.rows, Initial(version=0, value=RING.initial))
            judged = check(checked_history(records, initial))
        except MalformedHistoryError as error:
            found.append(str(error))
        else:
            if judged.finding is not Finding.OK:
                found.append(
                    f"the history is {judged.finding.value}: {judged.told().splitlines()[0]}"
                )
        return Audit(violations=found, committed_count=committed)

    def _records(self, seen: Snapshot) -> Iterator[Record]:
        entries = {each.attempt_id: each for each in seen.journal}
        end = 1 + max((each.returned for each in self.entries), default=0)
        for each in self.entries:
            moved, returned = each.moved, each.returned
            if each.is_unknown:
                # The journal settles it: the transition happened at some moment until now.
                entry, returned = entries.get(each.attempt_id), end
                if entry is not None:
                    moved = Moved(entry.from_state, entry.to_state, entry.version)
            yield Record(
                name=each.attempt_id,
                process=each.caller,
                key=each.key,
                kind=Kind.READ if each.is_read else Kind.CAS,
                outcome=Outcome.FAIL if moved is None else Outcome.OK,
                call=each.called,
                ret=returned,
                version=None if moved is None else moved.version,
                value=None if moved is None else moved.to_state,
                from_value=None if moved is None or each.is_read else moved.from_state,
            )
