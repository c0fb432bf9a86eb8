"""How the rows are laid out: the V9 table, the journal beside it, and the SQL on both.

Names are data: a ``Schema`` may name other tables and columns, and every name is quoted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from fsmcore.errors import DefinitionError
from fsmcore.text import is_storable, shown

ColumnRow = tuple[Any, ...]
"""A row of ``SELECT_COLUMNS``."""

V9_USER_VERSION = 9
"""``PRAGMA user_version`` of the layout that the core was first built for."""

CREATE_FILES = """
CREATE TABLE {files_table} (
    {key_column} TEXT PRIMARY KEY NOT NULL,
    {state_column} TEXT NOT NULL,
    {updated_at_column} TEXT,
    {version_column} INTEGER NOT NULL DEFAULT 0,
    {last_error_column} TEXT,
    {failure_info_column} TEXT
)
"""
CREATE_JOURNAL = """
CREATE TABLE {journal_table} (
    attempt_id TEXT PRIMARY KEY NOT NULL,
    file_path TEXT NOT NULL,
    version INTEGER NOT NULL,
    event TEXT NOT NULL,
    from_state TEXT NOT NULL,
    to_state TEXT NOT NULL,
    happened_at TEXT NOT NULL,
    UNIQUE (file_path, version)
) WITHOUT ROWID
"""
DROP_JOURNAL = "DROP TABLE {journal_table}"
JOURNAL_COLUMNS = (
    "attempt_id",
    "file_path",
    "version",
    "event",
    "from_state",
    "to_state",
    "happened_at",
)
ADOPTED_EVENT = "(adopted)"
"""The event of the journal row that says where a file stood when its journal was added."""

ADOPT_ROWS = f"""
INSERT INTO {{journal_table}}
SELECT '{ADOPTED_EVENT}:' || {{key_column}}, {{key_column}}, {{version_column}}, '{ADOPTED_EVENT}',
       {{state_column}}, {{state_column}}, ?
FROM {{files_table}} WHERE {{version_column}} > 0
"""  # noqa: S608 - the only inserted text is the constant above
SELECT_NOT_JOURNALLABLE = """
SELECT {key_column}, {state_column}, {version_column} FROM {files_table}
WHERE {version_column} > 0 AND (
    typeof({key_column}) <> 'text' OR typeof({state_column}) <> 'text'
    OR typeof({version_column}) <> 'integer'
)
"""

SELECT_FILE = """
SELECT {state_column}, {version_column}, {updated_at_column}, {last_error_column},
       {failure_info_column}
FROM {files_table} WHERE {key_column} = ?
"""
SELECT_FILES = "SELECT {key_column}, {state_column}, {version_column} FROM {files_table}"
INSERT_FILE = """
INSERT INTO {files_table}
    ({key_column}, {state_column}, {updated_at_column}, {version_column})
VALUES (?, ?, ?, 0)
"""
COMPARE_AND_SET = """
UPDATE {files_table}
SET {state_column} = ?, {updated_at_column} = ?, {version_column} = {version_column} + 1,
    {last_error_column} = coalesce(?, {last_error_column}),
    {failure_info_column} = coalesce(?, {failure_info_column})
WHERE {key_column} = ? AND {state_column} = ? AND {version_column} = ?
"""
INSERT_JOURNAL = """
INSERT INTO {journal_table}
    (attempt_id, file_path, version, event, from_state, to_state, happened_at)
VALUES (?, ?, ?, ?, ?, ?, ?)
"""
SELECT_ATTEMPT = """
SELECT attempt_id, file_path, version, event, from_state, to_state, happened_at
FROM {journal_table} WHERE attempt_id = ?
"""
SELECT_JOURNAL = """
SELECT attempt_id, file_path, version, event, from_state, to_state, happened_at
FROM {journal_table} ORDER BY file_path, version
"""
SELECT_COLUMNS = """
SELECT name, NULL, NULL, NULL FROM pragma_table_info(?1) UNION ALL
SELECT c.name, i.name, c.coll, i.origin
FROM pragma_index_list(?1) AS i, pragma_index_xinfo(i.name) AS c
WHERE i."unique" AND NOT i.partial AND c.key
"""
"""A table's columns, then those of each index that keeps its rows apart: its name, by which
collation, and whether a constraint or (``c``) a CREATE INDEX made it."""
SELECT_LAYOUT = "SELECT user_version, (SELECT count(*) FROM sqlite_schema) FROM pragma_user_version"


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """Table and column names. The defaults are V9 with its journal.

    ``journal_table=None`` switches the journal off: then an unknown outcome cannot be resolved
    here, and edges taken cannot be audited. ``user_version=None`` skips that check, for a
    schema of your own. The journal's own columns have fixed names.
    """

    files_table: str = "files"
    key_column: str = "file_path"
    state_column: str = "gemini_state"
    updated_at_column: str = "gemini_state_updated_at"
    version_column: str = "version"
    last_error_column: str = "last_error"
    failure_info_column: str = "failure_info"
    journal_table: str | None = "transitions"
    user_version: int | None = V9_USER_VERSION
    _filled: dict[str, str] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        """Raise ``DefinitionError`` for a name that SQLite cannot have."""
        for name in self._names:
            value = getattr(self, name)
            if value is None and name in ("journal_table", "user_version"):
                continue
            if name == "user_version":
                if not isinstance(value, int) or not -(2**31) <= value < 2**31:
                    raise DefinitionError(f"schema: user_version is {value!r}; use a 32-bit int.")
                continue
            if not isinstance(value, str) or not value or "\0" in value or not is_storable(value):
                raise DefinitionError(f"schema: {name} is {value!r}; use non-empty text.")
        folded = [name.casefold() for name in self.columns]
        if len(set(folded)) != len(folded):
            raise DefinitionError(f"schema: two columns share a name: {', '.join(self.columns)}.")
        if self.journal_table and self.journal_table.casefold() == self.files_table.casefold():
            raise DefinitionError("schema: the journal and the files need tables of their own.")

    @property
    def _names(self) -> list[str]:
        return [each.name for each in fields(self) if each.init]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the files table."""
        return (
            self.key_column,
            self.state_column,
            self.updated_at_column,
            self.version_column,
            self.last_error_column,
            self.failure_info_column,
        )

    @property
    def tables(self) -> dict[str, tuple[str, ...]]:
        """The columns that each table must have."""
        wanted = {self.files_table: self.columns}
        if self.journal_table is not None:
            wanted[self.journal_table] = JOURNAL_COLUMNS
        return wanted

    @property
    def keys(self) -> dict[str, tuple[tuple[str, ...], ...]]:
        """The columns that no two rows of a table may share."""
        apart: dict[str, tuple[tuple[str, ...], ...]] = {self.files_table: ((self.key_column,),)}
        if self.journal_table is not None:
            apart[self.journal_table] = (("attempt_id",), ("file_path", "version"))
        return apart

    def sql(self, template: str) -> str:
        """Return a template of this module with the quoted names filled in."""
        text = self._filled.get(template)
        if text is None:
            names = {
                name: '"' + str(getattr(self, name)).replace('"', '""') + '"'
                for name in self._names
            }
            text = self._filled[template] = template.format_map(names)
        return text

    def create_statements(self) -> Iterable[str]:
        """Return what makes an empty database into one of this schema."""
        yield self.sql(CREATE_FILES)
        if self.journal_table is not None:
            yield self.sql(CREATE_JOURNAL)
        if self.user_version is not None:
            yield f"PRAGMA user_version={self.user_version:d}"

    def problem(self, user_version: int, found: Mapping[str, Sequence[ColumnRow]]) -> str | None:
        """Return what does not fit, with what to do about it, or None.

        ``found`` gives the rows of ``SELECT_COLUMNS``, by table; none for a missing table.
        """
        if self.user_version is not None and user_version != self.user_version:
            return (
                f"its user_version is {user_version}, this schema's is {self.user_version}. "
                "Migrate the database first."
            )
        for table, wanted in self.tables.items():
            present = {name.casefold() for name, index, *_ in found[table] if index is None}
            if not present and table == self.journal_table:
                return (
                    f"it has no journal {shown(table)!r}. Add it with 'python -m fsmcore.adopt "
                    "FILE', or open with Schema(journal_table=None)."
                )
            if missing := [name for name in wanted if name.casefold() not in present]:
                return f"table {shown(table)!r} lacks {', '.join(map(shown, missing))}."
            for key in self.keys[table]:
                if (problem := _key_problem(table, key, found[table])) is not None:
                    return problem
        return None


def _key_problem(table: str, key: tuple[str, ...], rows: Sequence[ColumnRow]) -> str | None:
    """Return what is wrong unless ``key`` is unique, and told apart byte by byte.

    A constraint compares as its columns do, and so it also says how ``WHERE`` will.
    """
    indexes: dict[str, list[ColumnRow]] = {}
    for row in rows:
        if row[1] is not None:
            indexes.setdefault(row[1], []).append(row)
    wanted = {column.casefold() for column in key}
    columns = ", ".join(map(shown, key))
    is_kept_apart = False
    for index in indexes.values():
        if {str(column).casefold() for column, *_ in index} == wanted:
            others = [other for _, _, other, _ in index if other.casefold() != "binary"]
            if others and index[0][3] != "c":
                return (
                    f"table {shown(table)!r} compares {columns} by {shown(others[0])}, and here "
                    "two spellings are two keys. Rebuild it without that collation."
                )
            is_kept_apart = is_kept_apart or not others
    if is_kept_apart:
        return None
    return (
        f"table {shown(table)!r} may hold the same {columns} twice. Add a UNIQUE constraint or "
        "index on that."
    )
