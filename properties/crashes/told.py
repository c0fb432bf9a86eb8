"""A bad image as a reader needs it: what was lost, what was promised, how to make it again."""

from __future__ import annotations

from collections.abc import Iterable

from properties.crashes.damage import ImageId, image_of, kept_of
from properties.crashes.disk import Disk, disk_at, sector_count
from properties.crashes.judging import Broken
from properties.crashes.recording import Recording

BEFORE = 10
LISTED = 8


LEGEND = "`-` is lost, `~` is torn, `+` was not synced and survives, without a mark it is safe"


def story(
    recording: Recording, image: ImageId, broken: Iterable[Broken], *, command: str | None = None
) -> str:
    """Return at most some thirty lines, which end where the power fails.

    Without a ``command`` the reader is told elsewhere how to see it again.
    """
    disk = disk_at(recording, image.point)
    marks = _marks(disk, image)
    first = max(0, image.point - BEFORE)
    lines = [f"image {image}: the power fails after event {image.point - 1}, {image.damage}"]
    lines += [f"  {each.breach.value}: {each.found}" for each in list(broken)[:LISTED]]
    earlier = sorted(index for index, mark in marks.items() if index < first and mark != "+")
    if earlier:
        lines.append(f"  {len(earlier)} earlier changes are lost or torn, the last of them:")
        lines += [f"  {marks[index]} {recording.line(index)}" for index in earlier[-LISTED:]]
    lines.append(f"  timeline ({LEGEND}):")
    for index in range(first, image.point):
        lines.append(f"  {marks.get(index, ' ')} {recording.line(index)}")
    lines += ["    ----- the power fails -----", f"  left: {_left(disk, image)}"]
    if command is not None:
        lines.append(f"  again: {command}")
    return "\n".join(lines)


def _left(disk: Disk, image: ImageId) -> str:
    """Say which files are there afterwards, and which were there and are not."""
    files = image_of(disk, image)
    told = [f"{name} of {len(content):,} bytes" for name, content in sorted(files.items())]
    told += [f"no {name}" for name in sorted(disk.image(disk.everything()).keys() - files.keys())]
    return ", ".join(told) or "no file"


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
