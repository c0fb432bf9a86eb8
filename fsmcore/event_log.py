"""One structured record an attempt: what was asked, what happened, and how it ended."""

from __future__ import annotations

import enum
import json
import os
import threading
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Protocol, Self

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType


class Outcome(enum.Enum):
    """How an attempt ended. Only SUCCESS means that a row moved; UNKNOWN that it may have."""

    SUCCESS = "success"
    NOT_ALLOWED = "not_allowed"
    REJECTED = "rejected"
    STALE = "stale"
    BUSY = "busy"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRecord:
    """One attempt. ``timestamp`` is ISO 8601, UTC, taken when the attempt began.

    ``from_state`` is None when no row was read, ``to_state`` None when no edge was found, and
    ``guard_result`` None when no guard answered. ``error`` is ``"Type: message"``.
    """

    attempt_id: str
    timestamp: str
    file_id: str
    event: str
    from_state: str | None
    to_state: str | None
    guard_result: bool | None
    outcome: Outcome
    error: str | None

    def to_json(self) -> str:
        """Return one line of ASCII JSON, without the line's end."""
        return json.dumps({**asdict(self), "outcome": self.outcome.value})


class EventSink(Protocol):
    """Takes one record an attempt, once, after its fate is settled.

    Called from the event loop, so it must not block. An error it raises reaches the caller: as
    the cause of ``AfterCommitError`` when the transition is committed, else as a note.
    """

    def record(self, record: EventRecord) -> None:
        """Keep ``record``."""
        ...


class EventCollector:
    """Keeps every record in memory, in order."""

    def __init__(self) -> None:
        """Hold nothing."""
        self.records: list[EventRecord] = []

    def record(self, record: EventRecord) -> None:
        """Append ``record``."""
        self.records.append(record)


class JsonLinesSink:
    """Appends each record to a file as one line of JSON.

    A line is one ``write`` to a descriptor opened for appending, so that several processes may
    share the file and a killed one leaves whole lines. It goes to the page cache, not to the
    disk: a record survives the process, not a power loss. Close it, or use ``with``.
    """

    def __init__(self, path: str | os.PathLike[str] | Path) -> None:
        """Open ``path`` for appending; raises ``OSError`` when that cannot be."""
        self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        self._lock = threading.Lock()

    def record(self, record: EventRecord) -> None:
        """Append one line; raises ``OSError`` when it was not written whole."""
        line = f"{record.to_json()}\n".encode("ascii")
        with self._lock:
            if self._descriptor < 0:
                raise OSError("event log: closed; a record came after close().")
            written = os.write(self._descriptor, line)
            if written == len(line):
                return
            os.write(self._descriptor, b"\n")
        raise OSError(f"event log: wrote {written} of {len(line)} bytes; the file system is full.")

    def close(self) -> None:
        """Close the file; may be repeated."""
        with self._lock:
            if self._descriptor >= 0:
                os.close(self._descriptor)
                self._descriptor = -1

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the file."""
        self.close()
