"""The kinds of damage, and which of them a disk can suffer at a moment."""

from __future__ import annotations

import enum
import random
from collections.abc import Iterator
from dataclasses import dataclass

from properties.crashes.disk import Disk, Image, Kept, sector_count
from properties.crashes.recording import Linked, Unlinked, Wrote


class Damage(enum.Enum):
    """What happens to the pending changes. The value is the word in an image's id."""

    KEPT = "kept"
    LOST = "lost"
    NAMES_LOST = "names-lost"
    BYTES_LOST = "bytes-lost"
    PREFIX = "prefix"
    ONE_LOST = "one-lost"
    ONE_KEPT = "one-kept"
    TORN = "torn"
    HEAD_LOST = "head-lost"
    GARBAGE = "garbage"
    SUBSET = "subset"
    CUT = "cut"


@dataclass(frozen=True, slots=True, order=True)
class ImageId:
    """Which image of a recording: after how many events, which damage, which change, how far.

    ``at`` is a position among the pending changes (a length in bytes for CUT, a seed for SUBSET).
    """

    point: int
    damage: str
    at: int = 0
    sectors: int = 0

    def __str__(self) -> str:
        """Return ``point/damage/at/sectors``, which ``parse`` reads."""
        return f"{self.point}/{self.damage}/{self.at}/{self.sectors}"

    @classmethod
    def parse(cls, text: str) -> ImageId:
        """Read what ``str`` wrote; raises ``ValueError``."""
        point, damage, at, sectors = text.split("/")
        return cls(int(point), Damage(damage).value, int(at), int(sectors))


def damages(
    point: int, disk: Disk, *, changed: bool, subset_count: int, most_changes: int
) -> Iterator[ImageId]:
    """Yield the images of one moment.

    ``changed`` says that the last event only added to what is pending: then whatever leaves that
    change out was an image of the moment before, and is not made again. With more than
    ``most_changes`` pending, single changes are the last ones and, of the earlier, evenly spread
    ones; subsets reach all.
    """
    pending = disk.pending
    yield ImageId(point, Damage.KEPT.value)
    if not pending:
        return
    for damage in (Damage.LOST, Damage.NAMES_LOST, Damage.BYTES_LOST):
        yield ImageId(point, damage.value)
    for at in _chosen(len(pending), most_changes):
        is_new = not changed or at == len(pending) - 1
        if is_new:
            yield ImageId(point, Damage.PREFIX.value, at)
            yield ImageId(point, Damage.ONE_KEPT.value, at)
        yield ImageId(point, Damage.ONE_LOST.value, at)
        change = pending[at][1]
        if isinstance(change, Wrote):
            yield ImageId(point, Damage.GARBAGE.value, at)
            for sectors in range(1, sector_count(change)):
                if is_new:
                    yield ImageId(point, Damage.TORN.value, at, sectors)
                yield ImageId(point, Damage.HEAD_LOST.value, at, sectors)
    for seed in range(subset_count if len(pending) > 1 else 0):
        yield ImageId(point, Damage.SUBSET.value, seed)


def _chosen(count: int, most: int) -> list[int]:
    if count <= most:
        return list(range(count))
    late = most // 2
    early = range(0, count - late, max(1, (count - late) // (most - late)))
    return sorted({*early, *range(count - late, count)})


def image_of(disk: Disk, image: ImageId) -> Image:
    """Build an image from the disk of its moment."""
    files = disk.image(kept_of(disk, image))
    if image.damage != Damage.CUT.value:
        return files
    return {
        name: content[: image.at] if name.endswith("-wal") else content
        for name, content in files.items()
    }


def kept_of(disk: Disk, image: ImageId) -> dict[int, Kept]:
    """Return which pending changes survive, by their positions."""
    everything = disk.everything()
    at = image.at
    match Damage(image.damage):
        case Damage.KEPT | Damage.CUT:
            return everything
        case Damage.LOST:
            return {}
        case Damage.NAMES_LOST:
            return _only(disk, names=False)
        case Damage.BYTES_LOST:
            return _only(disk, names=True)
        case Damage.PREFIX:
            return {each: Kept() for each in range(at)}
        case Damage.ONE_LOST:
            return {each: Kept() for each in everything if each != at}
        case Damage.ONE_KEPT:
            # The names with it, or what was kept could not be seen.
            return {**_only(disk, names=True), at: Kept()}
        case Damage.TORN:
            torn = Kept(frozenset(range(image.sectors)))
            return {**{each: Kept() for each in range(at)}, at: torn}
        case Damage.HEAD_LOST:
            last = sector_count(disk.pending[at][1])
            return {**everything, at: Kept(frozenset(range(image.sectors, last)))}
        case Damage.GARBAGE:
            return {**everything, at: Kept(frozenset(), garbage=True)}
        case Damage.SUBSET:
            return _subset(disk, image)


def _only(disk: Disk, *, names: bool) -> dict[int, Kept]:
    return {
        at: Kept()
        for at, (_, change) in enumerate(disk.pending)
        if isinstance(change, Linked | Unlinked) is names
    }


def _subset(disk: Disk, image: ImageId) -> dict[int, Kept]:
    # Seeded by text, which hashes the same in every process; half of the subsets lose little.
    private = random.Random(str(image))
    share = private.choice((0.5, 0.8, 0.95))
    kept = {}
    for at, (_, change) in enumerate(disk.pending):
        if private.random() < share:
            kept[at] = Kept()
        elif isinstance(change, Wrote) and private.random() < 0.5:
            sectors = range(sector_count(change))
            alive = frozenset(each for each in sectors if private.random() < share)
            kept[at] = Kept(alive)
    return kept
