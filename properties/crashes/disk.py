"""The disk at a moment of a recording: what is safe, what is pending, and what a crash leaves.

The model is the one of https://sqlite.org/atomiccommit.html and of ALICE (Pillai et al., OSDI
2014): between two syncs every change may be there or not, in any order, and a write may be torn at
512-byte sectors; a name in a folder is a change of the folder and safe only after its sync.

Choices. A sector is old or new, never garbage, unless the write made the file longer: there a file
system may show whatever was on the disk. What a failed sync was to make safe stays pending, through
every later sync, until it is written again. Bytes beside a write never change (SQLite's
"powersafe overwrite"). ``-shm`` is not part of an image: it is memory.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field

from properties.crashes.recording import (
    Change,
    Event,
    Linked,
    Recording,
    Synced,
    SyncFailed,
    Told,
    Truncated,
    Unlinked,
    Wrote,
)

SECTOR_BYTES = 512
Image = dict[str, bytes]
"""File contents by name."""


@dataclass(frozen=True, slots=True)
class Kept:
    """Which sectors of a pending change survive: all of them (None), or those by index."""

    sectors: frozenset[int] | None = None
    garbage: bool = False


@dataclass(slots=True)
class Disk:
    """What is safe, by inode and by name, and what is pending, in order with its event's index.

    ``doubtful`` are the pending writes, by that index, that no later sync makes safe.
    """

    contents: dict[int, bytearray] = field(default_factory=dict)
    entries: dict[str, int] = field(default_factory=dict)
    pending: list[tuple[int, Change]] = field(default_factory=list)
    doubtful: set[int] = field(default_factory=set)

    def apply(self, index: int, event: Event) -> None:
        """Let the event at ``index`` happen."""
        if isinstance(event, Told):
            return
        if isinstance(event, SyncFailed):
            self.doubtful |= {
                at
                for at, change in self.pending
                if isinstance(change, Wrote) and _is_covered(at, change, event)
            }
            return
        if not isinstance(event, Synced):
            self.pending.append((index, event))
            return
        left: list[tuple[int, Change]] = []
        for at, change in self.pending:
            if at in self.doubtful or not _is_covered(at, change, event):
                left.append((at, change))
                continue
            _do(change, Kept(), self.contents, self.entries)
            left = [
                (before, each)
                for before, older in left
                for each in (_rest(older, change) if before in self.doubtful else [older])
            ]
        self.pending = left

    def image(self, kept: dict[int, Kept]) -> Image:
        """Return the files if only the pending changes at these positions survive."""
        touched = {_inode(self.pending[at][1]) for at in kept}
        contents = {
            inode: bytearray(content) if inode in touched else content
            for inode, content in self.contents.items()
        }
        entries = dict(self.entries)
        for at in sorted(kept):
            _do(self.pending[at][1], kept[at], contents, entries)
        return {name: bytes(contents.get(inode, b"")) for name, inode in entries.items()}

    def everything(self) -> dict[int, Kept]:
        """Return the choice that keeps all that is pending: a crash of the process alone."""
        return {at: Kept() for at in range(len(self.pending))}


def disks(recording: Recording) -> Iterator[tuple[int, Disk]]:
    """Yield ``(point, disk)`` after each event; the disk is one object, moved on."""
    disk = Disk()
    for index, event in enumerate(recording.events):
        disk.apply(index, event)
        yield index + 1, disk


def disk_at(recording: Recording, point: int) -> Disk:
    """Return the disk after the first ``point`` events."""
    disk = Disk()
    for index, event in enumerate(recording.events[:point]):
        disk.apply(index, event)
    return disk


def sector_count(change: Change) -> int:
    """Return how many sectors of the file a change touches."""
    if not isinstance(change, Wrote):
        return 1
    first = change.offset // SECTOR_BYTES
    last = (change.offset + len(change.content) - 1) // SECTOR_BYTES
    return last - first + 1


def _inode(change: Change) -> int | None:
    """The file that a sync must name to make the change safe; None is the folder."""
    return None if isinstance(change, Linked | Unlinked) else change.inode


def _is_covered(at: int, change: Change, sync: Synced | SyncFailed) -> bool:
    return at < sync.change_count and _inode(change) == sync.inode


def _rest(older: Change, newer: Change) -> list[Change]:
    """Return what a newer change that is safe has left of an older write."""
    if not isinstance(older, Wrote) or _inode(newer) != older.inode:
        return [older]
    begin, end = older.offset, older.offset + len(older.content)
    if isinstance(newer, Truncated):
        pieces = [(begin, min(end, newer.size))]
    elif isinstance(newer, Wrote):
        pieces = [
            (begin, min(end, newer.offset)),
            (max(begin, newer.offset + len(newer.content)), end),
        ]
    else:
        return [older]
    return [
        Wrote(inode=older.inode, offset=first, content=older.content[first - begin : last - begin])
        for first, last in pieces
        if first < last
    ]


def _do(
    change: Change, kept: Kept, contents: dict[int, bytearray], entries: dict[str, int]
) -> None:
    match change:
        case Linked(inode=inode, name=name):
            entries[name] = inode
        case Unlinked(name=name):
            entries.pop(name, None)
        case Truncated(inode=inode, size=size):
            content = contents.setdefault(inode, bytearray())
            del content[size:]
            content.extend(bytes(size - len(content)))
        case Wrote():
            _write(contents.setdefault(change.inode, bytearray()), change, kept)


def _write(content: bytearray, change: Wrote, kept: Kept) -> None:
    old_size, end = len(content), change.offset + len(change.content)
    if end > old_size:
        content.extend(bytes(end - old_size))
    if kept.sectors is None:
        content[change.offset : end] = change.content
        return
    if kept.garbage:
        begin = max(change.offset, old_size)
        content[begin:end] = random.Random(begin).randbytes(max(0, end - begin))
    first = change.offset // SECTOR_BYTES
    for sector in kept.sectors:
        begin = max(change.offset, (first + sector) * SECTOR_BYTES)
        stop = min(end, (first + sector + 1) * SECTOR_BYTES)
        content[begin:stop] = change.content[begin - change.offset : stop - change.offset]
