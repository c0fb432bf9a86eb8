"""Provokes every error of the core there is, and keeps each word: what sentences.txt holds."""

from __future__ import annotations

import asyncio
import contextlib
import io
import sqlite3
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import fsmcore.adopt as adopting
import fsmcore.check as checking
from fsmcore import (
    Edge,
    FsmCoreError,
    HandRolledAdapter,
    Lifecycle,
    MachineFactory,
    PerTransition,
    RetryPolicy,
    Schema,
    Store,
    Synchronous,
)
from fsmcore.connections import MODELS, Pooled
from fsmcore.native import require_wal
from fsmcore.sqlite import translate
from fsmcore.tests.support import (
    KEY,
    NO_WAITING,
    Connections,
    held_write_lock,
    opened,
    query,
    records,
)

TWO = Lifecycle(
    states=("a", "b"), initial="a", finals=frozenset({"b"}), edges=(Edge("a", "x", "b"),)
)
"""Small enough for each contradiction to be one change away."""
LONE = "\ud800"
"""Text that SQLite cannot hold."""


class Book:
    """Provokes errors and keeps every word of them, with their notes and what caused them."""

    def __init__(self, folder: Path, machine: MachineFactory, native: Connections) -> None:
        self.folder = folder
        self.machine = machine
        self.native = native
        self.messages: list[str] = []
        self.file = folder
        """The database that was made last."""

    def write(self, error: BaseException) -> None:
        """Keep what an error says."""
        self.messages.append(" | ".join([str(error), *getattr(error, "__notes__", [])]))
        if isinstance(error.__cause__, FsmCoreError):
            self.messages.append(f"  because {type(error.__cause__).__name__}: {error.__cause__}")

    async def hear(self, awaitable: Any) -> None:
        """Await, and keep what is raised."""
        try:
            await awaitable
        except (FsmCoreError, RuntimeError, OSError) as error:
            self.write(error)

    def ask(self, call: Callable[..., object], *arguments: Any, **options: Any) -> None:
        """Call, and keep what is raised."""
        try:
            call(*arguments, **options)
        except FsmCoreError as error:
            self.write(error)

    def opened(self, **options: Any) -> Any:
        """Lend a manager on a new store."""
        self.file = Path(tempfile.mkdtemp(dir=self.folder), "files.db")
        return opened(self.file, **{"machine": self.machine, "retry": NO_WAITING, **options})


def denied(connection: sqlite3.Connection) -> None:
    """Let no COMMIT pass."""
    connection.set_authorizer(
        lambda action, first, *_: int((action, first) == (sqlite3.SQLITE_TRANSACTION, "COMMIT"))
    )


def denied_for_good(connection: sqlite3.Connection) -> None:
    """Let no COMMIT pass, and no ROLLBACK."""
    connection.set_authorizer(
        lambda action, first, *_: int(action == sqlite3.SQLITE_TRANSACTION and first != "BEGIN")
    )


def not_set(connection: sqlite3.Connection) -> None:
    """Let a PRAGMA that sets something do nothing, as in a SQLite built without it."""
    connection.set_authorizer(
        lambda action, _name, value, *_: (
            sqlite3.SQLITE_IGNORE if action == sqlite3.SQLITE_PRAGMA and value else 0
        )
    )


async def of_transitions(book: Book) -> None:
    """Refused, overtaken, busy, unknown, and what the event records say of each."""
    guards = {"fail_upload": lambda _row, _edge: False, "complete_upload": lambda _row, _edge: 1}
    async with book.opened(guards=guards) as manager:
        await book.hear(manager.track(KEY))
        await book.hear(manager.transition("none", "start_upload"))
        await book.hear(manager.transition(KEY, "start"))
        await book.hear(manager.transition(KEY, "start_uplaod"))
        await book.hear(manager.transition(KEY, "fail_upload"))
        with held_write_lock(book.file):
            await book.hear(manager.transition(KEY, "start_upload"))
        for hook in (denied, denied_for_good):
            with book.native.prepared(hook):
                await book.hear(manager.transition(KEY, "start_upload"))
        await manager.transition(KEY, "start_upload", attempt_id="x")
        await book.hear(manager.transition(KEY, "fail_upload"))
        await book.hear(manager.transition(KEY, "complete_upload"))
        await book.hear(manager.transition(KEY, "complete_upload", expected_version=7))
        await book.hear(manager.transition(KEY, "fail_processing", attempt_id="x"))
        for state in ("'failed'", "x'00'"):
            query(book.file, f"UPDATE files SET gemini_state = {state}")  # noqa: S608
            await book.hear(manager.transition(KEY, "start_upload"))
        query(book.file, "UPDATE files SET version = -1")
        await book.hear(manager.transition(KEY, "start_upload"))
        book.messages += [str(record.error) for record in records(manager)]
    async with book.opened() as manager:
        await manager.transition(KEY, "start_upload", attempt_id="x")
        await book.hear(manager.transition(KEY, "fail_upload", attempt_id="x"))
        query(book.file, "UPDATE files SET gemini_state = 'untracked', version = 0")
        await book.hear(manager.transition(KEY, "start_upload"))
    async with book.opened(schema=Schema(journal_table=None)) as manager:
        with book.native.prepared(denied):
            await book.hear(manager.transition(KEY, "start_upload"))
        await book.hear(manager.store.outcome_of("x"))
        await book.hear(manager.store.journal())


async def of_callers(book: Book) -> None:
    """Keys, ids and texts that are none; callbacks that raise, or wait for their own attempt."""
    async with book.opened() as manager:
        given: Any
        for given in ("", None, LONE):
            await book.hear(manager.track(given))
            await book.hear(manager.store.outcome_of(given))
        for given in (5, LONE):
            await book.hear(manager.transition(KEY, "start_upload", last_error=given))
            await book.hear(manager.transition(KEY, "start_upload", failure_info=given))
        with manager.store.announced("y") as attempt:
            await book.hear(attempt.read(KEY))

    def fails(row: object, edge: object) -> None:
        raise RuntimeError("a callback")

    async def asks(row: object, edge: object) -> None:
        await manager.store.outcome_of("z")

    async def moves(row: object, edge: object) -> None:
        await manager.transition(KEY, "start_upload")

    def moved(row: object, edge: object) -> None:
        query(book.file, "UPDATE files SET version = version + 1")

    def deletes(row: object, edge: object) -> None:
        query(book.file, "DELETE FROM files")

    for call in (fails, asks, moves, moved):
        async with book.opened(before_commit=call) as manager:
            await book.hear(manager.transition(KEY, "start_upload", attempt_id="z"))
    async with book.opened(before_commit=deletes) as manager:
        await book.hear(manager.transition(KEY, "start_upload", expected_version=0))
    async with book.opened(after_commit=fails) as manager:
        await book.hear(manager.transition(KEY, "start_upload"))

    class Full:
        def record(self, record: object) -> None:
            raise OSError("the sink is full")

    async with book.opened(events=Full()) as manager:
        await book.hear(manager.transition(KEY, "start_upload"))
        await book.hear(manager.transition(KEY, "start_upload"))

    class Forgetful(HandRolledAdapter):
        async def trigger(self, event: str) -> None:
            """Do nothing."""

    class Swallowing(HandRolledAdapter):
        async def trigger(self, event: str) -> None:
            await asyncio.gather(super().trigger(event), return_exceptions=True)

    for machine in (Forgetful, Swallowing):
        async with book.opened(machine=machine) as manager:
            with book.native.prepared(denied):
                await book.hear(manager.transition(KEY, "start_upload"))


async def of_tables(book: Book) -> None:
    """Tables that do not take what they are given, or are laid out in another way."""
    for table in ("files", "transitions"):
        async with book.opened() as manager:
            query(
                book.file,
                f"CREATE TRIGGER t BEFORE INSERT ON {table} BEGIN SELECT RAISE(IGNORE); END",
            )
            await book.hear(manager.track("b.txt"))
            await book.hear(manager.transition(KEY, "start_upload"))
    free = Schema(journal_table=None, user_version=None)
    async with book.opened(schema=free, files=()) as manager:
        query(book.file, "DROP TABLE files")
        query(
            book.file,
            "CREATE TABLE files (file_path, gemini_state, gemini_state_updated_at, version, "
            "last_error, failure_info, CHECK (file_path <> 'b.txt'))",
        )
        await book.hear(manager.track("b.txt"))
        await manager.track(KEY)
        await manager.track(KEY)
        await book.hear(manager.transition(KEY, "start_upload"))
    await book.hear(Store(book.file, schema=free).open())
    rest = "gemini_state, gemini_state_updated_at, version, last_error, failure_info"
    for columns in (f"file_path TEXT COLLATE NOCASE PRIMARY KEY, {rest}", "file_path, version"):
        query(book.file, "DROP TABLE files")
        query(book.file, f"CREATE TABLE files ({columns})")
        await book.hear(Store(book.file, schema=free).open())
    await book.hear(Store(book.file, schema=Schema(user_version=None)).open())
    query(book.file, "DROP TABLE files")
    await book.hear(Store(book.file, schema=free).open())
    async with book.opened(files=()):
        pass
    await book.hear(Store(book.file, schema=Schema(user_version=3)).open())
    query(book.file, "DROP TABLE transitions")
    await book.hear(Store(book.file).open())
    book.ask(adopting.abandon, str(book.file))
    book.ask(adopting.adopt, str(book.file), Schema(journal_table=None))
    query(book.file, "CREATE TABLE transitions (theirs)")
    book.ask(adopting.adopt, str(book.file))
    query(book.file, "DROP TABLE transitions")
    query(book.file, "INSERT INTO files VALUES ('a', 'uploading', NULL, 'many', NULL, NULL)")
    book.ask(adopting.adopt, str(book.file))


async def of_denied_reads(book: Book, model: str) -> None:
    """Two reads at once, and a transition, on connections to which everything is denied by now."""
    is_denied = False

    def denied_later(connection: sqlite3.Connection) -> None:
        connection.set_authorizer(lambda *_: int(is_denied))

    with book.native.prepared(denied_later):
        async with book.opened(connections=model) as manager:
            is_denied = True
            await asyncio.gather(*(book.hear(manager.store.read(KEY)) for _ in range(2)))
            await book.hear(manager.transition(KEY, "start_upload"))
            is_denied = False


async def of_opening(book: Book) -> None:
    """Files that are none, models that are none, and stores that are not open, or are already."""
    for given in (book.folder / "none" / "a.db", book.folder, book.folder / "none.db", "", "a\0b"):
        await book.hear(Store(given).open())
    await book.hear(Store(book.folder / "new.db", create=True).read(KEY))
    text = book.folder / "text.db"
    text.write_bytes(b"text" * 999)
    await book.hear(Store(text).open())
    text.with_name("other.db").hardlink_to(text)
    book.ask(checking.check, str(text))
    for name in MODELS:
        async with book.opened(connections=name) as manager:
            await book.hear(Store(book.file, connections=manager.store._connections).open())
            await book.hear(asyncio.to_thread(asyncio.run, manager.store.read(KEY)))
        with book.native.prepared(denied):
            await book.hear(Store(book.folder / f"new {name}.db", create=True).open())
        await of_denied_reads(book, name)
    for model in ("poled", Pooled, 4):
        book.ask(Store, text, connections=model)
    book.ask(Store, ":memory:")
    book.ask(Pooled, size=0)
    book.ask(PerTransition, synchronous="FULL")
    book.ask(PerTransition, busy_timeout_ms=-1)
    async with book.opened():
        pass
    with book.native.prepared(not_set):
        extra = PerTransition(synchronous=Synchronous.EXTRA)
        await book.hear(Store(book.file, connections=extra).open())
    book.ask(require_wal, "delete", "a.db")


def of_definitions(book: Book) -> None:
    """Each contradiction of a lifecycle, a schema and a policy."""
    for change in (
        {"states": ("a", "b", "a"), "initial": "c", "finals": {"d"}, "edges": ()},
        {"states": ("a", "b", "c")},
        {"edges": (Edge("a", "x", "b"), Edge("a", "x", "e"), Edge("b", "", LONE))},
    ):
        kept = {name: getattr(TWO, name) for name in ("states", "initial", "finals", "edges")}
        book.ask(Lifecycle, **kept | change)
    book.ask(Schema, files_table="")
    book.ask(Schema, user_version="9")
    book.ask(Schema, key_column="VERSION")
    book.ask(Schema, journal_table="FILES")
    book.ask(RetryPolicy, max_tries=0)
    book.ask(RetryPolicy, base_ms=9, cap_ms=1)


def of_sqlite(book: Book) -> None:
    """Each of SQLite's codes that means something here, and those that mean nothing."""
    for kind, name in (
        *((sqlite3.OperationalError, name) for name in ("BUSY_SNAPSHOT", "LOCKED", "ERROR")),
        *((sqlite3.DatabaseError, name) for name in ("CORRUPT", "NOTADB", "AUTH", "IOERR_FSYNC")),
        *((sqlite3.OperationalError, name) for name in ("READONLY", "CANTOPEN", "FULL", "NOLFS")),
        (sqlite3.IntegrityError, "CONSTRAINT_UNIQUE"),
    ):
        error = kind("its words")
        error.sqlite_errorname = f"SQLITE_{name}"
        error.sqlite_errorcode = getattr(sqlite3, f"SQLITE_{name}")
        book.write(translate(error, "a.db"))
    for words in ("not authorized to use function: x", "access to x is prohibited"):
        error = sqlite3.OperationalError(words)
        error.sqlite_errorcode = sqlite3.SQLITE_ERROR
        book.write(translate(error, "a.db"))
    for without_code in (
        *(sqlite3.DataError("its words"), OverflowError("its words")),
        *(MemoryError("its words"), sqlite3.OperationalError("its words")),
    ):
        book.write(translate(without_code, "a.db"))


async def of_commands(book: Book) -> None:
    """What the two commands print, help included."""

    def run(command: Callable[[Sequence[str]], int], *given: str) -> None:
        out = io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            try:
                code: object = command(given)
            except SystemExit as exiting:
                code = exiting.code
        said = out.getvalue().replace(str(book.file.parent), "FOLDER").splitlines()
        book.messages += [*said, f"  exit code {code}"]

    async with book.opened():
        pass
    file, folder = str(book.file), str(book.file.parent)
    for command in (adopting.main, checking.main):
        for given in (["--help"], [], [folder], ["/dev/null"], [f"{file}-none"], [file]):
            run(command, *given)
    query(book.file, "UPDATE files SET version = 3, gemini_state = 'lost'")
    run(checking.main, file)
    run(checking.main, file, "--json")
    run(adopting.main, file, "--undo")
    run(checking.main, file)
    run(checking.main, file, "--no-journal")
    run(adopting.main, file)
    with book.file.open("r+b") as damaged:
        damaged.write(b"x")
    run(checking.main, file)


async def of_all(book: Book) -> list[str]:
    """Return what is said, chapter by chapter."""
    for chapter in (
        *(of_transitions, of_callers, of_tables, of_opening, of_definitions, of_sqlite),
        of_commands,
    ):
        book.messages.append(f"# {(chapter.__doc__ or '').strip()}")
        told = chapter(book)
        if told is not None:
            await told
    return book.messages
