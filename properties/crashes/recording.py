"""What a disk was told, in order: writes, syncs, names; and what the callers heard meanwhile.

A recording is plain data and can be rebuilt into the disk of any moment, so the live database is
never touched for an image (opening its ``-shm`` here would drop SQLite's locks).
"""

from __future__ import annotations

import enum
import os
from dataclasses import dataclass, field

from properties.faults.operations import Decision, Kind, Operation, Plan, Result, Role
from properties.subjects import FILES, Layout, Lifecycle


class Promise(enum.Enum):
    """What a caller was told, as far as it binds the file."""

    SUBMITTED = "submitted"
    ACKNOWLEDGED = "acknowledged"
    DENIED = "told: nothing was written"
    UNKNOWN = "told: outcome unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrote:
    """Bytes handed to the disk, not yet safe."""

    inode: int
    offset: int
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Truncated:
    """A new length, not yet safe."""

    inode: int
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Linked:
    """A name in the folder, not yet safe."""

    inode: int
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unlinked:
    """A name removed from the folder, not yet safe."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Synced:
    """A file, or the folder (None), whose changes up to ``change_count`` are safe from here on."""

    inode: int | None
    change_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncFailed:
    """A sync of a file that raised: no later one makes safe what this one was to make safe.

    Linux may mark the pages clean all the same, and then nobody writes them again, however often
    their file is synced (https://lwn.net/Articles/752063/).
    """

    inode: int
    change_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A moment at which a caller learnt something of ``key``; no change of the disk.

    ``row`` is what an acknowledgement said: file, state and version.
    """

    promise: Promise
    key: str
    row: tuple[str, str, int] | None = None


Change = Wrote | Truncated | Linked | Unlinked
Event = Change | Synced | SyncFailed | Told


@dataclass(slots=True)
class Recording:
    """Everything from an empty folder on, for one database called ``database``.

    ``layout`` is how its tables are read, ``lifecycle`` what its rows may do.
    """

    database: str
    layout: Layout
    events: list[Event] = field(default_factory=list)
    names: dict[int, str] = field(default_factory=dict)
    lifecycle: Lifecycle = FILES

    def told(self, upto: int) -> list[Told]:
        """Return what callers had heard before the event at index ``upto``."""
        return [event for event in self.events[:upto] if isinstance(event, Told)]

    def line(self, index: int) -> str:
        """Return the event as one line of a timeline."""
        what = ""
        match self.events[index]:
            case Wrote(inode=inode, offset=offset, content=content):
                what = f"write {self._file(inode)} at {offset}, {len(content)} bytes"
            case Truncated(inode=inode, size=size):
                what = f"truncate {self._file(inode)} to {size}"
            case Linked(name=name):
                what = f"create {self._role(name)}"
            case Unlinked(name=name):
                what = f"unlink {self._role(name)}"
            case Synced(inode=None):
                what = "sync folder"
            case Synced(inode=inode):
                what = f"sync {self._file(inode or 0)}"
            case SyncFailed(inode=inode):
                what = f"sync {self._file(inode)} fails"
            case Told(promise=promise, key=key):
                what = f"                          {key} {promise.value}"
        return f"{index:>5}  {what}"

    def _file(self, inode: int) -> str:
        return self._role(self.names[inode])

    def _role(self, name: str) -> str:
        return name.removeprefix(self.database).lstrip("-") or "database"


class Recorder:
    """Observes a shim on an empty folder. Give ``plan`` and ``observe`` to the shim.

    Right under threads: a sync covers what was written before it *began*, and a change counts once
    it is complete. ``beneath`` may decide the operations: what it fails or pretends did not happen.
    """

    def __init__(
        self,
        database: str,
        layout: Layout,
        lifecycle: Lifecycle = FILES,
        *,
        beneath: Plan | None = None,
    ) -> None:
        """Record nothing yet."""
        self.recording = Recording(database, layout, lifecycle=lifecycle)
        self.beneath = beneath
        self._entries: dict[str, int] = {}
        self._inodes: dict[int, int] = {}
        self._sync_began_at: dict[int, int] = {}
        self._folder_sync_began_at = 0

    def tell(self, promise: Promise, key: str, row: tuple[str, str, int] | None = None) -> None:
        """Note what a caller hears now."""
        self.recording.events.append(Told(promise=promise, key=key, row=row))

    def plan(self, operation: Operation) -> Decision:
        """Note where a sync begins, and ask the plan beneath."""
        if operation.kind is Kind.SYNC:
            self._sync_began_at[operation.index] = len(self.recording.events)
        return None if self.beneath is None else self.beneath(operation)

    def observe(self, operation: Operation, result: Result) -> None:
        """Append what was really done."""
        began_at = self._sync_began_at.pop(operation.index, 0)
        events = self.recording.events
        if not result.done:
            failed = operation.kind is Kind.SYNC and result.code != 0
            if failed and operation.role is not Role.FOLDER:
                inode = self._inodes[operation.handle]
                events.append(SyncFailed(inode=inode, change_count=began_at))
            return
        match operation.kind:
            case Kind.OPEN:
                self._opened(operation)
            case Kind.WRITE:
                if operation.content is None:
                    raise ValueError("the recorder needs a shim that keeps content")
                inode = self._inodes[operation.handle]
                events.append(
                    Wrote(inode=inode, offset=operation.offset, content=operation.content)
                )
            case Kind.TRUNCATE:
                inode = self._inodes[operation.handle]
                events.append(Truncated(inode=inode, size=operation.size))
            case Kind.SYNC:
                folder = operation.role is Role.FOLDER
                inode_or_none = None if folder else self._inodes[operation.handle]
                events.append(Synced(inode=inode_or_none, change_count=began_at))
            case Kind.DELETE:
                del self._entries[operation.name]
                events.append(Unlinked(name=operation.name))
            case _:
                pass

    def _opened(self, operation: Operation) -> None:
        inode = self._entries.get(operation.name)
        if inode is None:
            inode = len(self.recording.names) + 1
            self.recording.names[inode] = operation.name
            self._entries[operation.name] = inode
            self.recording.events.append(Linked(inode=inode, name=operation.name))
        self._inodes[operation.handle] = inode


def require_empty(folder: str) -> None:
    """Raise ``ValueError`` unless nothing is in the folder: a recording begins with nothing."""
    if os.listdir(folder):
        raise ValueError("a recording begins in an empty folder.")
