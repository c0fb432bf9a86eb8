"""The subject's workload: fsmcore's store and manager, through aiosqlite, in every process.

    make PATH | committer PATH WRITER AFTER | checkpointer PATH | auditor PATH

An attempt's id is `WRITER:ORDINAL`, so that the journal says which acknowledged ones are there.
"""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import time
from contextlib import closing

import aiosqlite

from fsmcore import (
    FileTransitionManager,
    OutcomeUnknownError,
    RetryPolicy,
    StateMachineAdapter,
    Store,
    StoreBusyError,
    StoreCorruptError,
    audit,
)
from properties.durability.telling import Word, is_damage, prove, tell, tell_audit

TOLD_EVERY_S = 0.3
BUSY_S = 5.0
EVENTS = ("start_upload", "complete_upload", "complete_processing")
SELECT_JOURNAL = "SELECT attempt_id FROM transitions ORDER BY attempt_id"
CHECKPOINT = "PRAGMA wal_checkpoint(PASSIVE)"


async def make(path: str) -> None:
    """Create the store."""
    async with Store(path, create=True):
        pass


async def commit(path: str, writer: int, after: int) -> None:
    """Take one file after another through its life; tell each transition that was acknowledged."""
    async with Store(path, retry=RetryPolicy(max_tries=50)) as store:
        manager = FileTransitionManager(store, machine=StateMachineAdapter)
        entries = [entry.attempt_id.partition(":") for entry in await store.journal()]
        here = (int(last) for who, _, last in entries if int(who) == writer)
        ordinal = max(after, *here, 0)
        while True:
            name = f"{writer}/{ordinal}-{time.monotonic_ns()}.txt"
            try:
                await manager.track(name)
                for event in EVENTS:
                    ordinal += 1
                    await manager.transition(name, event, attempt_id=f"{writer}:{ordinal}")
                    tell(Word.ACKNOWLEDGED, writer, ordinal)
            except (StoreBusyError, OutcomeUnknownError):
                tell(Word.ALIVE)  # refused or unknown, and told so: nothing was acknowledged


async def checkpoint(path: str) -> None:
    """Checkpoint through aiosqlite until killed."""
    count, told_s = 0, 0.0
    async with aiosqlite.connect(path, isolation_level=None, timeout=BUSY_S) as db:
        while True:
            await db.execute_fetchall(CHECKPOINT)
            count += 1
            if time.monotonic() - told_s > TOLD_EVERY_S:
                tell(Word.CHECKPOINTS, count)
                count, told_s = 0, time.monotonic()


def present(path: str) -> tuple[dict[int, list[int]], list[str], str]:
    """Return which attempts the journal holds now, and which truths are broken."""
    with closing(sqlite3.connect(path, isolation_level=None, timeout=BUSY_S)) as db:
        journal: dict[int, list[int]] = {}
        for (attempt_id,) in db.execute(SELECT_JOURNAL):
            writer, _, ordinal = attempt_id.partition(":")
            journal.setdefault(int(writer), []).append(int(ordinal))
        # In a snapshot of its own; that the pages are sound is one of its truths.
        wrong = [str(violation) for violation in audit(db)]
    return journal, wrong[:5], wrong[0] if wrong else "ok"


def answer(path: str) -> None:
    """Answer each line on the standard input with what is there now."""
    for _ in sys.stdin:
        tell_audit(*present(path))


def main(arguments: list[str]) -> None:
    """Play one role."""
    prove()
    role, path, *rest = arguments
    try:
        match role:
            case "make":
                asyncio.run(make(path))
            case "committer":
                asyncio.run(commit(path, int(rest[0]), int(rest[1])))
            case "checkpointer":
                asyncio.run(checkpoint(path))
            case "auditor":
                answer(path)
            case _:
                raise ValueError(f"no role {role!r}")
    except StoreCorruptError as error:
        tell(Word.LOST, f"the store is damaged: {error}")
    except sqlite3.DatabaseError as error:
        if not is_damage(error):
            raise
        tell(Word.LOST, f"SQLite cannot read what it wrote: {error}")


if __name__ == "__main__":
    main(sys.argv[1:])
