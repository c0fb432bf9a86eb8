"""What every record is made of, and the five verdicts."""

import enum
from typing import Annotated

import msgspec

SCHEMA_VERSION = 1

Figure = bool | int | float | str | None
Count = Annotated[int, msgspec.Meta(ge=0)]
Milliseconds = Annotated[float, msgspec.Meta(ge=0)]


class Verdict(enum.Enum):
    """What a session concluded. Unknown and invalid are never a pass."""

    PASS = "pass"
    FAIL = "fail"
    UNKNOWN = "unknown"
    INVALID = "invalid"
    USAGE = "usage"

    @property
    def exit_code(self) -> int:
        """The one meaning of each exit code of every session."""
        return _EXIT_CODES[self]


_EXIT_CODES = {
    Verdict.PASS: 0,
    Verdict.FAIL: 1,
    Verdict.USAGE: 2,
    Verdict.UNKNOWN: 3,
    Verdict.INVALID: 4,
}


class Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of a record: frozen, by keyword, and strict about its fields."""
