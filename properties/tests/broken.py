"""Subjects that break one law each: small, and realistic in how they came to be."""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import sqlite3
from collections.abc import Callable, Coroutine
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

from fsmcore import FsmCoreError, HandRolledAdapter
from properties.rules.model import NEXT
from properties.simulation import active
from properties.subjects import TRIES, Answer, AnswerKind, CoreSubject, Request, Row
from properties.subjects.protocol import LogRecord


class Broken(CoreSubject):
    """The untouched hand-rolled subject; each bug overrides one thing."""

    def __init__(self, *, tries: int = TRIES) -> None:
        """Be as patient as asked."""
        super().__init__("broken", HandRolledAdapter, locked=False, tries=tries)
        self.path = ""

    async def make(self, path: str) -> None:
        """Remember the path, for those who write behind the store."""
        self.path = path
        await super().make(path)

    def write_behind(self, sql: str, *parameters: object) -> None:
        """Run a statement that the core knows nothing of."""
        with closing(_connected(self.path)) as db:
            db.execute(sql, parameters)


def _connected(path: str) -> sqlite3.Connection:
    """Connect in the event loop's own thread, under the simulation too: a bug is not an escape."""
    with active.outside():
        return sqlite3.connect(path, isolation_level=None, timeout=1)


Attempting = Callable[[Any, Request], Coroutine[Any, Any, Answer]]


def looking_first(attempt: Attempting) -> Attempting:
    """Answer for a look that failed, say because of a fault: an attempt raises nothing."""

    @functools.wraps(attempt)
    async def answered(self: Any, request: Request) -> Answer:
        try:
            return await attempt(self, request)
        except FsmCoreError as error:
            return Answer(kind=AnswerKind.FAILED, detail=str(error), error=error)

    return answered


class AcknowledgesBeforeTheCommit(Broken):
    """Says success to whoever was refused for being late."""

    @looking_first
    async def attempt(self, request: Request) -> Answer:
        """Turn a stale answer into the success that it would have been."""
        answer = await super().attempt(request)
        if answer.kind is not AnswerKind.STALE:
            return answer
        row = await self.read(request.file_path)
        return Answer(
            kind=AnswerKind.SUCCESS, to_state=row.state, from_state="?", version=row.version
        )


class TakesAnEdgeTooMany(Broken):
    """Moves the row once more without saying so."""

    async def attempt(self, request: Request) -> Answer:
        """Skip a version."""
        answer = await super().attempt(request)
        if answer.kind is AnswerKind.SUCCESS:
            self.write_behind(
                "UPDATE files SET version = version + 1 WHERE file_path = ?", request.file_path
            )
        return answer


class RefusesAndWritesAllTheSame(Broken):
    """The rejected attempt is in the journal: the row was moved before the guard was asked."""

    async def attempt(self, request: Request) -> Answer:
        """Let the guard say yes, and tell its no."""
        if request.guard_says:
            return await super().attempt(request)
        answer = await super().attempt(dataclasses.replace(request, guard_says=True))
        return dataclasses.replace(answer, kind=AnswerKind.REJECTED)


class LosesTheCommitInAnError(Broken):
    """An error after the commit reaches the caller as any other error."""

    async def attempt(self, request: Request) -> Answer:
        """Forget that it was after the commit."""
        answer = await super().attempt(request)
        if answer.kind is AnswerKind.FAILED_AFTER_COMMIT:
            return Answer(kind=AnswerKind.FAILED, detail=answer.detail)
        return answer


class ForgetsOutcomes(Broken):
    """Answers that nothing was committed when it does not remember."""

    async def outcome_of(self, attempt_id: str) -> bool | None:
        """Remember nothing."""
        return False


class LogsEachTry(Broken):
    """Two records for whoever had to try twice."""

    def log(self) -> list[LogRecord]:
        """Repeat the record of a stale attempt."""
        records = super().log()
        return records + [record for record in records if record.outcome == "stale"]


class LeavesAConnectionOnError(Broken):
    """A connection of its own that only the good path closes."""

    def __init__(self, *, tries: int = TRIES) -> None:
        """Leak nothing yet."""
        super().__init__(tries=tries)
        self.leaked: list[sqlite3.Connection] = []

    async def attempt(self, request: Request) -> Answer:
        """Open, attempt, close unless it failed."""
        self.leaked.append(_connected(self.path))
        answer = await super().attempt(request)
        if answer.kind is not AnswerKind.FAILED:
            self.leaked.pop().close()
        return answer

    async def close(self) -> None:
        """Close them at last, so that no later test meets them in the garbage collector."""
        for connection in self.leaked:
            connection.close()
        await super().close()


class LeavesATransactionOpen(Broken):
    """A helper connection begins and, when the guard says no, never ends."""

    def __init__(self, *, tries: int = TRIES) -> None:
        """Hold nothing yet."""
        super().__init__(tries=tries)
        self.helper: sqlite3.Connection | None = None

    async def attempt(self, request: Request) -> Answer:
        """Begin on the helper after a rejection."""
        answer = await super().attempt(request)
        if answer.kind is AnswerKind.REJECTED and self.helper is None:
            self.helper = _connected(self.path)
            self.helper.execute("BEGIN")
            self.helper.execute("SELECT * FROM files").fetchall()
        return answer

    async def close(self) -> None:
        """End it at last."""
        if self.helper is not None:
            self.helper.close()
        await super().close()


class LeavesATaskRunning(Broken):
    """A notification that nobody awaits."""

    def __init__(self, *, tries: int = TRIES) -> None:
        """Start nothing yet."""
        super().__init__(tries=tries)
        self.tasks: list[asyncio.Task[Any]] = []

    async def attempt(self, request: Request) -> Answer:
        """Start one."""
        self.tasks.append(asyncio.ensure_future(asyncio.sleep(3600)))
        return await super().attempt(request)


class ReadsFromACache(Broken):
    """Refuses by what it read a while ago."""

    def __init__(self, *, tries: int = TRIES) -> None:
        """Know nothing yet."""
        super().__init__(tries=tries)
        self.cache: dict[str, Row] = {}

    @looking_first
    async def attempt(self, request: Request) -> Answer:
        """Look into the cache first, and fill it only once."""
        if request.file_path not in self.cache:
            self.cache[request.file_path] = await self.read(request.file_path)
        if self.cache[request.file_path].state == "untracked" and request.event != "start_upload":
            return Answer(kind=AnswerKind.NOT_ALLOWED)
        return await super().attempt(request)


class ReadsAnOldRow(Broken):
    """Reads through a cache that is filled once in two reads."""

    def __init__(self, *, tries: int = TRIES) -> None:
        """Know nothing yet."""
        super().__init__(tries=tries)
        self.cache: dict[str, Row] = {}

    async def read(self, file_path: str) -> Row:
        """Give what is known, if anything, and forget it."""
        if file_path in self.cache:
            return self.cache.pop(file_path)
        self.cache[file_path] = await super().read(file_path)
        return self.cache[file_path]


class AnswersBeforeTheCommit(Broken):
    """Says success as soon as nothing seems to be in the way, and commits a little later."""

    def __init__(self, *, tries: int = TRIES) -> None:
        """Owe nothing yet."""
        super().__init__(tries=tries)
        self.owed: list[asyncio.Task[Answer]] = []

    @looking_first
    async def attempt(self, request: Request) -> Answer:
        """Look, answer, and let the write follow."""
        row = await self.read(request.file_path)
        target = NEXT[row.state].get(request.event)
        if target is None or not request.guard_says or request.expected_version is not None:
            return await super().attempt(request)
        self.owed.append(asyncio.ensure_future(super().attempt(request)))
        return Answer(
            kind=AnswerKind.SUCCESS,
            from_state=row.state,
            to_state=target,
            version=row.version + 1,
        )

    async def close(self) -> None:
        """Pay what is owed."""
        await asyncio.gather(*self.owed, return_exceptions=True)
        await super().close()


class LosesWhatItAcknowledged(Broken):
    """The row is put back after the answer: a restore from a copy that was a moment too old."""

    @looking_first
    async def attempt(self, request: Request) -> Answer:
        """Move the row, and move it back."""
        before = await self.read(request.file_path)
        answer = await super().attempt(request)
        if answer.kind is AnswerKind.SUCCESS:
            self.write_behind(
                "UPDATE files SET gemini_state = ?, version = ? WHERE file_path = ?",
                before.state,
                before.version,
                request.file_path,
            )
        return answer


class SaysThatItWasOvertaken(Broken):
    """Every failure is told as somebody else's success."""

    async def attempt(self, request: Request) -> Answer:
        """Blame the others."""
        answer = await super().attempt(request)
        blames = answer.kind in (AnswerKind.NOT_ALLOWED, AnswerKind.FAILED)
        return dataclasses.replace(answer, kind=AnswerKind.STALE) if blames else answer


class RetriesForEver(Broken):
    """One try more than it was told."""

    def __init__(self, *, tries: int = TRIES) -> None:
        """Count wrongly."""
        super().__init__(tries=tries + 1)


class RefusesEverything(Broken):
    """Safe, and of no use."""

    async def attempt(self, request: Request) -> Answer:
        """Say busy."""
        return Answer(kind=AnswerKind.FAILED, detail="not today")


class IgnoresTheGuard(Broken):
    """Asks the guard, and goes on whatever it says."""

    async def attempt(self, request: Request) -> Answer:
        """Let it say yes."""
        return await super().attempt(dataclasses.replace(request, guard_says=True))


class IgnoresTheExpectedVersion(Broken):
    """Moves whatever version it finds."""

    async def attempt(self, request: Request) -> Answer:
        """Expect nothing."""
        return await super().attempt(dataclasses.replace(request, expected_version=None))


class NeverCallsBack(Broken):
    """Forgets the callbacks, and with them their errors."""

    async def attempt(self, request: Request) -> Answer:
        """Let nothing happen on the way."""
        return await super().attempt(dataclasses.replace(request, disturbances=()))


class LogsEveryRefusalAlike(Broken):
    """One outcome for all that was refused."""

    def log(self) -> list[LogRecord]:
        """Call it stale."""
        return [
            dataclasses.replace(record, outcome="stale") if record.outcome == "rejected" else record
            for record in super().log()
        ]


class AppliesTheMoveTwice(TakesAnEdgeTooMany):
    """The same, seen as what it is to whoever counts: one attempt, two steps."""


class TakesAnIdTwice(Broken):
    """Gives an attempt that is asked for again another id, and runs it."""

    def __init__(self, *, tries: int = TRIES) -> None:
        """Have seen nothing."""
        super().__init__(tries=tries)
        self.seen: set[str] = set()

    async def attempt(self, request: Request) -> Answer:
        """Append a mark."""
        attempt_id = request.attempt_id + "'" * (request.attempt_id in self.seen)
        self.seen.add(request.attempt_id)
        return await super().attempt(dataclasses.replace(request, attempt_id=attempt_id))


class LocksBeforeItLooks(Broken):
    """Takes the write lock to decide whether there is anything to write."""

    async def attempt(self, request: Request) -> Answer:
        """Be busy whenever somebody writes."""
        try:
            with closing(sqlite3.connect(self.path, isolation_level=None, timeout=0)) as db:
                db.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return Answer(kind=AnswerKind.BUSY)
        return await super().attempt(request)


class RemembersOutcomes(Broken):
    """Keeps what became of its attempts in the process."""

    def __init__(self, *, tries: int = TRIES) -> None:
        """Remember nothing yet."""
        super().__init__(tries=tries)
        self.committed: set[str] = set()

    async def attempt(self, request: Request) -> Answer:
        """Remember a success."""
        answer = await super().attempt(request)
        if answer.kind.says_moved:
            self.committed.add(request.attempt_id)
        return answer

    async def outcome_of(self, attempt_id: str) -> bool | None:
        """Look into its memory."""
        return attempt_id in self.committed


class ReadsWhatItReadFirst(Broken):
    """Caches rows for reading, and never drops them."""

    def __init__(self, *, tries: int = TRIES) -> None:
        """Know nothing yet."""
        super().__init__(tries=tries)
        self.cache: dict[str, Row] = {}

    async def read(self, file_path: str) -> Row:
        """Look there first."""
        if file_path not in self.cache:
            self.cache[file_path] = await super().read(file_path)
        return self.cache[file_path]


class TellsFailureOnceClosed(Broken):
    """Whoever is under way at the close is told that it failed, whatever came of it."""

    is_closed = False

    async def attempt(self, request: Request) -> Answer:
        """Look at the door after the work."""
        answer = await super().attempt(request)
        return Answer(kind=AnswerKind.FAILED) if self.is_closed else answer

    async def close(self) -> None:
        """Shut the door."""
        self.is_closed = True
        await super().close()


class RefusesThePast(CoreSubject):
    """Takes whoever comes with an earlier time than the last one for late."""

    def __init__(
        self, *, tries: int = TRIES, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        """Have seen no time yet."""
        super().__init__("broken", HandRolledAdapter, locked=False, tries=tries, now=now)
        self.latest: datetime | None = None

    async def attempt(self, request: Request) -> Answer:
        """Compare clocks."""
        now = self._now()
        if self.latest is not None and now < self.latest:
            return Answer(kind=AnswerKind.STALE)
        self.latest = now
        return await super().attempt(request)


BROKEN: dict[Callable[[], Broken], str] = {
    AcknowledgesBeforeTheCommit: "a_stale_writer_never_wins",
    TakesAnEdgeTooMany: "only_legal_edges_are_taken",
    RefusesAndWritesAllTheSame: "a_refused_attempt_leaves_no_trace",
    LosesTheCommitInAnError: "an_error_after_commit_says_so",
    ForgetsOutcomes: "an_unknown_outcome_resolves_in_one_read",
    LogsEachTry: "the_event_log_tells_the_truth",
    LeavesAConnectionOnError: "nothing_outlives_its_owner",
    LeavesATransactionOpen: "nothing_outlives_its_owner",
    LeavesATaskRunning: "nothing_outlives_its_owner",
    ReadsFromACache: "the_history_is_linearizable",
    ReadsAnOldRow: "the_history_is_linearizable",
    AnswersBeforeTheCommit: "the_history_is_linearizable",
    LosesWhatItAcknowledged: "the_history_is_linearizable",
    SaysThatItWasOvertaken: "every_answer_was_true_at_some_moment",
    RetriesForEver: "retries_are_bounded",
    IgnoresTheGuard: "only_the_entitled_move_a_row",
    IgnoresTheExpectedVersion: "only_the_entitled_move_a_row",
    NeverCallsBack: "only_the_entitled_move_a_row",
    LogsEveryRefusalAlike: "the_event_log_tells_the_truth",
    AppliesTheMoveTwice: "nothing_is_applied_twice",
    RefusesEverything: "an_undisturbed_attempt_succeeds",
}
"""Each bug, and the law that must catch it."""
