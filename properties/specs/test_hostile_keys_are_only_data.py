"""Hostile keys are only data: any text round-trips exactly and touches no other row.

Quotes, NULs, wildcards, a mebibyte, all of Unicode. Text that SQLite cannot hold (a lone
surrogate) is refused, and the refusal leaves no row. Attempt ids are data too: what became of one
is asked by its very id. SQL by string formatting, LIKE in a WHERE clause, or a key cut short breaks
it.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import Any

from hypothesis import strategies as st

from properties.history import snapshot
from properties.scratch import scratch_folder
from properties.subjects import AnswerKind, Offer, Request, Subject, SubjectFactory

NEEDS = frozenset({Offer.V9})

HOSTILE = (
    "'; DROP TABLE files; --",
    '"quoted" and `ticked`',
    "a\0b",
    "\0",
    "%_?*[a-z]",
    "x" * 2**20,
    "../../etc/passwd",
    "é",
    "e\u0301",
    "\U0010ffff\ufeff\u202e",
    "line\nbreak\r\n",
    "NULL",
    "0",
)
TWINS = (
    ("f", "F"),
    ("stra\u00dfe", "strasse"),
    ("\u00e9", "e\u0301"),
    ("a\0b", "a\0c"),
    ("a", "a\0"),
    ("a", "a "),
    ("a", "'a'"),
    ("1", "01"),
    ("a%", "ab"),
    ("a/b", "a//b"),
    ("x" * 300, "x" * 299 + "y"),
)
"""Keys that somebody takes for one: by case, composition, a NUL, white space, type or length."""
keys = st.text(st.characters(exclude_categories=["Cs"]), min_size=1) | st.sampled_from(HOSTILE)


MOVED = "SELECT count(*) FROM files WHERE version > 0"
LISTED = tuple(dict.fromkeys((*HOSTILE, *(key for pair in TWINS for key in pair))))


async def _known_of(subject: Subject, attempt_id: str) -> list[str]:
    """Return what is wrong with what is told of an attempt that nobody has made yet."""
    if Offer.OUTCOMES not in subject.offers:
        return []
    try:
        is_known = await subject.outcome_of(attempt_id)
    except Exception as error:
        return [f"the outcome of attempt {attempt_id[:40]!a} cannot be asked: {error!r}"]
    return [f"the outcome of attempt {attempt_id[:40]!a} is somebody else's"] if is_known else []


def test_each_listed_key_is_a_file_of_its_own(make_subject: SubjectFactory) -> None:
    """All of them in one store: each moves alone, and is read as it was written.

    By an attempt whose id is the key, and of which nobody knows before it is made.
    """

    async def use(path: str) -> list[str]:
        subject = make_subject()
        await subject.make(path)
        wrong = []
        try:
            for key in LISTED:
                await subject.seed(key)
            with closing(sqlite3.connect(path, isolation_level=None)) as db:
                for number, key in enumerate(LISTED):
                    wrong += await _known_of(subject, key)
                    asked = Request(attempt_id=key, file_path=key, event="start_upload")
                    answer = await subject.attempt(asked)
                    ((moved_count,),) = db.execute(MOVED).fetchall()
                    if answer.kind is not AnswerKind.SUCCESS:
                        wrong.append(f"{key[:40]!a}: {answer.detail}")
                    elif (await subject.read(key)).version != 1:
                        wrong.append(f"{key[:40]!a} is read at another version than it has")
                    if moved_count != number + 1:
                        wrong.append(f"{key[:40]!a} is asked for, {moved_count} have moved")
                    if wrong:
                        break
        finally:
            await subject.close()
        return wrong

    with scratch_folder() as folder:
        path = f"{folder}/files.db"
        wrong = asyncio.run(use(path))
        with closing(sqlite3.connect(path, isolation_level=None)) as db:
            shot = snapshot(db)
    assert not wrong, "; ".join(wrong)
    assert dict.fromkeys(LISTED, ("uploading", 1)) == shot.rows
    assert sorted((key, key) for key in LISTED) == sorted(
        (entry.attempt_id, entry.file_path) for entry in shot.journal
    )


def test_a_lone_surrogate_is_refused(make_subject: SubjectFactory) -> None:
    """As a key of an attempt: a definite refusal, and nothing is written."""

    async def use(path: str) -> AnswerKind:
        subject = make_subject()
        await subject.make(path)
        try:
            asked = Request(attempt_id="a", file_path="\udc80.txt", event="start_upload")
            return (await subject.attempt(asked)).kind
        finally:
            await subject.close()

    with scratch_folder() as folder:
        assert AnswerKind.FAILED is asyncio.run(use(f"{folder}/files.db"))
        with closing(sqlite3.connect(f"{folder}/files.db", isolation_level=None)) as db:
            assert {} == snapshot(db).rows


def test_keys_round_trip(
    make_subject: SubjectFactory, drawn: Callable[[Any, Callable[[Any], None]], None]
) -> None:
    """Two drawn keys beside each other; one moves, the other stays."""

    async def use(path: str, moving: str, staying: str) -> None:
        subject = make_subject()
        await subject.make(path)
        try:
            await subject.seed(moving)
            await subject.seed(staying)
            answer = await subject.attempt(
                Request(attempt_id=moving, file_path=moving, event="start_upload")
            )
            assert answer.kind is AnswerKind.SUCCESS, answer.detail
        finally:
            await subject.close()

    def holds(pair: tuple[str, str]) -> None:
        moving, staying = pair
        with scratch_folder() as folder:
            path = f"{folder}/files.db"
            asyncio.run(use(path, moving, staying))
            with closing(sqlite3.connect(path, isolation_level=None)) as db:
                shot = snapshot(db)
        assert {moving: ("uploading", 1), staying: ("untracked", 0)} == shot.rows
        assert [moving] == [row.file_path for row in shot.journal]

    drawn(st.tuples(keys, keys).filter(lambda pair: pair[0] != pair[1]), holds)
