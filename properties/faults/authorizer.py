"""AUTH: SQLite is forbidden an action while it compiles a statement.

Source: https://sqlite.org/c3ref/set_authorizer.html.
"""

from __future__ import annotations

import sqlite3

from properties.faults.plan import Means, Strike

ACTIONS = {
    sqlite3.SQLITE_UPDATE: "UPDATE",
    sqlite3.SQLITE_INSERT: "INSERT",
    sqlite3.SQLITE_TRANSACTION: "TRANSACTION",
    sqlite3.SQLITE_SELECT: "SELECT",
    sqlite3.SQLITE_PRAGMA: "PRAGMA",
}


class AuthorizerStrike(Strike):
    """Denies the Nth action. Columns read are left out: SELECT stands for them."""

    def watch(self, connection: sqlite3.Connection) -> None:
        """Be asked for every action."""
        connection.set_authorizer(self._asked)

    def _asked(self, action: int, first: str | None, *_: object) -> int:
        name = ACTIONS.get(action)
        if name is None or not self.is_due(f"AUTH, {' '.join(filter(None, (name, first)))} denied"):
            return sqlite3.SQLITE_OK
        return sqlite3.SQLITE_DENY


AUTHORIZER = Means(
    name="authorizer", fault="AUTH", operation="action asked for", strike=AuthorizerStrike
)
