"""Rows and keys as the core sees them, and the reading of one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from fsmcore import schema as sql
from fsmcore.errors import FileNotTrackedError, InvalidKeyError, SchemaMismatchError
from fsmcore.text import is_storable, shown

if TYPE_CHECKING:
    from fsmcore.connections import Session
    from fsmcore.schema import Schema


class FileRow(NamedTuple):
    """One row, as read. ``version`` counts committed transitions; times are ISO 8601, UTC.

    A tuple, because each transition makes two, and a frozen dataclass costs three times as much.
    """

    file_path: str
    state: str
    version: int
    updated_at: str | None = None
    last_error: str | None = None
    failure_info: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalEntry:
    """One committed transition: this attempt took ``file_path`` to ``version``."""

    attempt_id: str
    file_path: str
    version: int
    event: str
    from_state: str
    to_state: str
    happened_at: str


async def read_row(session: Session, schema: Schema, file_path: str) -> FileRow:
    checked_key(file_path)
    rows = await session.fetch(schema.sql(sql.SELECT_FILE), (file_path,))
    if not rows:
        raise FileNotTrackedError(file_path)
    state, version, updated_at, last_error, failure_info = rows[0]
    if not isinstance(version, int) or version < 0:
        raise SchemaMismatchError(
            f"{shown(file_path)}: version is {version!r}; a whole number from 0 on is needed."
        )
    return FileRow(
        file_path=file_path,
        state=state,
        version=version,
        updated_at=updated_at,
        last_error=last_error,
        failure_info=failure_info,
    )


def journal_entry(row: tuple[object, ...]) -> JournalEntry:
    return JournalEntry(**dict(zip(sql.JOURNAL_COLUMNS, row, strict=True)))  # type: ignore[arg-type]


def checked_key(key: str, *, what: str = "key") -> str:
    """Return ``key`` if it is non-empty text; raises ``InvalidKeyError``."""
    if not checked_text(key, what=what):
        raise InvalidKeyError(f"{what} is empty; give at least one character.")
    return key


def checked_text(text: str, *, what: str) -> str:
    """Return ``text`` if SQLite can hold it exactly; raises ``InvalidKeyError``."""
    if not isinstance(text, str):
        raise InvalidKeyError(f"{what} is of type {type(text).__name__}; give text.")
    if not is_storable(text):
        raise InvalidKeyError(
            f"{what} {shown(ascii(text))} holds a lone surrogate, which no database text can. "
            "Decode it, say with errors='backslashreplace'."
        )
    return text
