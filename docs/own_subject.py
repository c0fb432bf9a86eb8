"""A state machine of somebody else, with what the judge needs of it: guides/judge-your-own.md."""

import sqlite3

import aiosqlite

from properties.subjects import Answer, AnswerKind, Layout, ModestSubject, Request, Row

NEXT = {
    ("untracked", "start_upload"): "uploading",
    ("uploading", "complete_upload"): "processing",
    ("uploading", "fail_upload"): "failed",
    ("processing", "complete_processing"): "indexed",
    ("processing", "fail_processing"): "failed",
}
TABLES = """
CREATE TABLE IF NOT EXISTS doc (name TEXT PRIMARY KEY, status TEXT NOT NULL, rev INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS doc_log (
    op TEXT PRIMARY KEY, name, rev, what, came, went
);
"""
MOVE = "UPDATE doc SET status = ?, rev = rev + 1 WHERE name = ? AND rev = ?"
NOTE = "INSERT INTO doc_log VALUES (?, ?, ?, ?, ?, ?)"


class Docs(ModestSubject):
    """A connection for each call; a row, its revision, and a log of what moved it."""

    name = "docs"
    move = MOVE
    layout = Layout(
        rows="SELECT name, status, rev FROM doc",
        journal="SELECT op, name, rev, what, came, went FROM doc_log ORDER BY name, rev",
        row="SELECT status, rev FROM doc WHERE name = ?",
        move="UPDATE doc SET status = ?, rev = rev + 1 WHERE name = ?",
        note=NOTE,
    )

    async def make(self, path: str) -> None:
        self.path = path
        async with self.opened() as db:
            await db.execute("PRAGMA journal_mode=WAL")
            await db.executescript(TABLES)

    def opened(self) -> aiosqlite.Connection:
        return aiosqlite.connect(self.path, isolation_level=None, timeout=0.2)

    async def seed(self, file_path: str) -> None:
        async with self.opened() as db:
            await db.execute("INSERT INTO doc VALUES (?, 'untracked', 0)", (file_path,))

    async def read(self, file_path: str) -> Row:
        async with self.opened() as db:
            ((status, rev),) = await db.execute_fetchall(self.layout.row, (file_path,))
        return Row(status, rev)

    async def attempt(self, request: Request) -> Answer:
        try:
            return await self.tried(request)
        except sqlite3.Error as error:
            kind = AnswerKind.BUSY if "locked" in str(error) else AnswerKind.FAILED
            return Answer(kind=kind, detail=str(error))

    async def tried(self, request: Request) -> Answer:
        was = await self.read(request.file_path)
        target = NEXT.get((was.state, request.event))
        if target is None:
            return Answer(kind=AnswerKind.NOT_ALLOWED)
        version = was.version + 1
        entry = (request.attempt_id, request.file_path, version, request.event, was.state, target)
        async with self.opened() as db:
            await db.execute("BEGIN IMMEDIATE")
            moved = await db.execute(self.move, (target, request.file_path, was.version))
            if moved.rowcount != 1:
                return Answer(kind=AnswerKind.STALE)
            await db.execute(NOTE, entry)
            await db.execute("COMMIT")
        return Answer(
            kind=AnswerKind.SUCCESS, from_state=was.state, to_state=target, version=version
        )

    async def close(self) -> None:
        """Nothing stays open."""


class Forgetful(Docs):
    """The same with a lost update: it writes over whatever revision it finds."""

    move = "UPDATE doc SET status = ?, rev = rev + 1 WHERE name = ? AND rev >= ?"
