"""Invoices of somebody else, with what the judge needs of them: guides/judge-your-own.md."""

import asyncio

import aiosqlite
from statemachine import State, StateMachine

from properties.subjects import Layout, Lifecycle, ModestSubject, Row

EDGES = {
    "draft": {"issue": "issued", "cancel": "void"},
    "issued": {"settle": "paid", "revise": "draft", "cancel": "void"},
}
TABLE = "CREATE TABLE IF NOT EXISTS invoice (number TEXT PRIMARY KEY, status TEXT, rev INTEGER)"


class Invoice(StateMachine):
    draft, issued, paid, void = State(initial=True), State(), State(final=True), State(final=True)
    issue = draft.to(issued)
    settle = issued.to(paid)
    revise = issued.to(draft)
    cancel = draft.to(void) | issued.to(void)


class Invoices(ModestSubject):
    layout = Layout.of("invoice", key="number", state="status", version="rev")
    lifecycle = Lifecycle("draft", EDGES)
    refusals = (StateMachine.TransitionNotAllowed,)
    move = "UPDATE invoice SET status = ?, rev = rev + 1 WHERE number = ? AND rev = ?"

    async def make(self, path: str) -> None:
        self.db = aiosqlite.connect(path, isolation_level=None, timeout=0.1)
        self.opening = asyncio.ensure_future(self.db)
        await asyncio.shield(self.opening)  # aiosqlite loses a connection that is cut off here
        await self.db.executescript(f"PRAGMA journal_mode=WAL; {TABLE}")

    async def seed(self, number: str) -> None:
        await self.db.execute_fetchall("INSERT INTO invoice VALUES (?, 'draft', 0)", (number,))

    async def read(self, number: str) -> Row:
        ((status, rev),) = await self.db.execute_fetchall(self.layout.row, (number,))
        return Row(status, rev)

    async def moves(self, number: str, event: str) -> tuple[Row, Row] | None:
        was = await self.read(number)
        machine = Invoice(start_value=was.state)
        machine.send(event)
        now = Row(machine.current_state_value, was.version + 1)
        done = await self.db.execute(self.move, (now.state, number, was.version))
        return (was, now) if done.rowcount == 1 else None

    async def close(self) -> None:
        if hasattr(self, "opening"):
            await asyncio.wait([self.opening])
            await self.db.close()


class Forgetful(Invoices):
    move = Invoices.move.replace("rev = ?", "rev >= ?")  # a lost update: whatever it finds
