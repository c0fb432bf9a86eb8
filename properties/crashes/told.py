"""A bad image as a reader needs it: what was lost, what was promised, how to make it again."""

from __future__ import annotations

from collections.abc import Iterable

from properties.crashes.damage import ImageId, kept_of
from properties.crashes.disk import Disk, disk_at, sector_count
from properties.crashes.judging import Broken
from properties.crashes.recording import Recording

BEFORE, AFTER = 10, 4
LISTED = 8


def story(recording: Recording, image: ImageId, broken: Iterable[Broken], *, command: str) -> str:
    """Return at most some thirty lines.

    In the timeline ``-`` marks a change that is lost, ``~`` one that is torn, ``+`` one that was
    not safe and survives; changes without a mark are safe.
    """
    disk = disk_at(recording, image.point)
    marks = _marks(disk, image)
    first = max(0, image.point - BEFORE)
    last = min(len(recording.events), image.point + AFTER)
    lines = [f"image {image}: the power fails after event {image.point - 1}, {image.damage}"]
    lines += [f"  {each.breach.value}: {each.found}" for each in list(broken)[:LISTED]]
    earlier = sorted(index for index, mark in marks.items() if index < first and mark != "+")
    if earlier:
        lines.append(f"  {len(earlier)} earlier changes are lost or torn, the last of them:")
        lines += [f"  {marks[index]} {recording.line(index)}" for index in earlier[-LISTED:]]
    lines.append("  timeline:")
    for index in range(first, last):
        lines.append(f"  {marks.get(index, ' ')} {recording.line(index)}")
        if index == image.point - 1:
            lines.append("    ----- the power fails -----")
    lines.append(f"  again: {command}")
    return "\n".join(lines)


def _marks(disk: Disk, image: ImageId) -> dict[int, str]:
    kept = kept_of(disk, image)
    marks = {}
    for at, (index, change) in enumerate(disk.pending):
        if at not in kept:
            marks[index] = "-"
            continue
        sectors = kept[at].sectors
        whole = sectors is None or len(sectors) == sector_count(change)
        marks[index] = "+" if whole else "~"
    return marks
