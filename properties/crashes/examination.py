"""Every image of a recording, reopened and judged; in this process or in several others."""

from __future__ import annotations

import concurrent.futures
import contextlib
import hashlib
import multiprocessing
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from properties.crashes.damage import Damage, ImageId, damages, image_of
from properties.crashes.disk import Disk, Image, disk_at, disks
from properties.crashes.judging import Breach, Broken, breaches, heard
from properties.crashes.recording import Linked, Recording, Truncated, Unlinked, Wrote
from properties.crashes.reopening import Recovered, reopen, write_image
from properties.crashes.workload import WorkloadError
from properties.scratch import scratch_folder

SHOWN_AT_MOST = 5
POINTS_AT_ONCE = 16
CUTS_AT_ONCE = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How many images: subsets a moment, single changes a moment, bytes between two cuts."""

    subset_count: int
    most_changes: int
    cut_stride: int | None = None


@dataclass(slots=True)
class Findings:
    """What was found. ``images`` counts files that were really reopened, no content twice.

    ``judged`` counts judgements: one content can be the image of several moments, at which callers
    had heard different things. ``most_lost`` is the greatest number of acknowledged transitions
    that one image had lost.
    """

    digests: set[bytes] = field(default_factory=set)
    images: Counter[str] = field(default_factory=Counter)
    judged: int = 0
    broken: Counter[Breach] = field(default_factory=Counter)
    examples: dict[Breach, list[tuple[ImageId, Broken]]] = field(default_factory=dict)
    most_lost: int = 0

    @property
    def image_count(self) -> int:
        """How many different files were reopened."""
        return sum(self.images.values())

    def add(self, digest: bytes, image: ImageId, found: list[Broken]) -> None:
        """Count one judged image."""
        self.judged += 1
        if digest not in self.digests:
            self.digests.add(digest)
            self.images[image.damage] += 1
        lost = sum(each.breach is Breach.LOST for each in found)
        self.most_lost = max(self.most_lost, lost)
        for breach in {each.breach for each in found}:
            self.broken[breach] += 1
        for each in found:
            examples = self.examples.setdefault(each.breach, [])
            if len(examples) < SHOWN_AT_MOST:
                examples.append((image, each))

    def merge(self, digests: dict[bytes, str], other: Findings) -> None:
        """Take what another process found; ``digests`` are its contents and their damage."""
        self.judged += other.judged
        for digest, damage in digests.items():
            if digest not in self.digests:
                self.digests.add(digest)
                self.images[damage] += 1
        self.broken.update(other.broken)
        self.most_lost = max(self.most_lost, other.most_lost)
        for breach, examples in other.examples.items():
            kept = self.examples.setdefault(breach, [])
            kept += examples[: SHOWN_AT_MOST - len(kept)]


class Examiner:
    """Reopens images in one folder; a content that it has met is not opened again."""

    def __init__(self, folder: str, recording: Recording) -> None:
        """Touch nothing yet."""
        self._folder = folder
        self._database, self._layout = recording.database, recording.layout
        self._met: dict[bytes, Recovered] = {}

    def recover(self, image: Image) -> tuple[bytes, Recovered]:
        """Return the image's digest, and what SQLite makes of it."""
        digest = digest_of(image)
        if digest not in self._met:
            write_image(self._folder, image)
            self._met[digest] = reopen(self._folder, self._database, self._layout)
        return digest, self._met[digest]


def digest_of(image: Image) -> bytes:
    """Return 16 bytes that stand for the names and contents."""
    digest = hashlib.blake2b(digest_size=16)
    for name in sorted(image):
        digest.update(f"{name}\0{len(image[name])}\0".encode())
        digest.update(image[name])
    return digest.digest()


def chain_of(recording: Recording) -> list[Recovered]:
    """Return what a crash of the process alone leaves, after each number of events from 0 on.

    Raises ``WorkloadError`` when the recording ends without a table that the layout reads: nothing
    that is acknowledged could be found, whatever the disk did.
    """
    with scratch_folder() as folder:
        examiner = Examiner(folder, recording)
        chain = [examiner.recover({})[1]]
        for _, disk in disks(recording):
            chain.append(examiner.recover(disk.image(disk.everything()))[1])
    if chain[-1].missing:
        raise WorkloadError(f"the subject's layout reads {', '.join(chain[-1].missing)}: no table.")
    return chain


def images_at(recording: Recording, point: int, disk: Disk, effort: Effort) -> Iterator[ImageId]:
    """Yield the images of one moment."""
    changed = isinstance(recording.events[point - 1], Wrote | Truncated | Linked | Unlinked)
    yield from damages(
        point,
        disk,
        changed=changed,
        subset_count=effort.subset_count,
        most_changes=effort.most_changes,
    )


def wal_bytes(disk: Disk) -> int:
    """Return how long the WAL is when nothing is lost."""
    whole = disk.image(disk.everything())
    return next((len(content) for name, content in whole.items() if name.endswith("-wal")), 0)


def longest_wal(recording: Recording) -> int:
    """Return the first moment at which the WAL is at its longest.

    Not a later one: once a checkpoint has begun to move its frames into the database, a WAL that is
    cut would put old pages back between new ones, which no disk does.
    """
    return -max((wal_bytes(disk), -point) for point, disk in disks(recording))[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Some moments of a recording. Plain data, because it goes to another process.

    With ``cuts`` it is one moment, and these lengths of its WAL instead of all else.
    """

    recording: Recording
    chain: list[Recovered]
    effort: Effort
    begin: int
    end: int
    cuts: range | None = None


def _images_of(task: Task, point: int, disk: Disk) -> Iterator[ImageId]:
    if task.cuts is None:
        yield from images_at(task.recording, point, disk, task.effort)
    else:
        yield from (ImageId(point, Damage.CUT.value, size) for size in task.cuts)


def examine_some(task: Task) -> tuple[dict[bytes, str], Findings]:
    """Judge the images of the moments from ``begin`` on, before ``end``."""
    recording, findings = task.recording, Findings()
    damage_of: dict[bytes, str] = {}
    with scratch_folder() as folder:
        examiner = Examiner(folder, recording)
        for point, disk in disks(recording):
            if not task.begin <= point < task.end:
                continue
            word = heard(recording.told(point))
            chain = frozenset(task.chain[: point + 1])
            for image in _images_of(task, point, disk):
                digest, recovered = examiner.recover(image_of(disk, image))
                damage_of.setdefault(digest, image.damage)
                found = breaches(recovered, chain, word, recording.lifecycle)
                if image.damage == Damage.CUT.value:  # no crash of a synced disk: a prefix will do
                    found = [each for each in found if each.breach is not Breach.LOST]
                findings.add(digest, image, found)
    return damage_of, findings


def examine(
    recording: Recording,
    effort: Effort,
    *,
    pool: concurrent.futures.Executor | None = None,
    progress: Callable[[Findings], None] = lambda _findings: None,
) -> Findings:
    """Judge every image of a recording; without a pool, in this process.

    An error of the harness in any process is raised here: nothing was judged then.
    """
    chain = chain_of(recording)
    last = len(recording.events) + 1
    tasks = [
        Task(
            recording=recording,
            chain=chain,
            effort=effort,
            begin=begin,
            end=min(begin + POINTS_AT_ONCE, last),
        )
        for begin in range(1, last, POINTS_AT_ONCE)
    ]
    if effort.cut_stride is not None:
        tasks += _cuts(recording, chain, effort, effort.cut_stride)
    findings = Findings()
    results = map(examine_some, tasks) if pool is None else pool.map(examine_some, tasks)
    for digests, found in results:
        findings.merge(digests, found)
        progress(findings)
    return findings


def _cuts(
    recording: Recording, chain: list[Recovered], effort: Effort, stride: int
) -> Iterator[Task]:
    point = longest_wal(recording)
    sizes = range(0, wal_bytes(disk_at(recording, point)) + 1, stride)
    for begin in range(0, len(sizes), CUTS_AT_ONCE):
        yield Task(
            recording=recording,
            chain=chain,
            effort=effort,
            begin=point,
            end=point + 1,
            cuts=sizes[begin : begin + CUTS_AT_ONCE],
        )


@contextlib.contextmanager
def process_pool(process_count: int) -> Iterator[concurrent.futures.Executor | None]:
    """Lend processes that reopen images; None for a count of 0.

    Spawned and not forked: this process has worker threads, and a hooked SQLite.
    """
    if process_count == 0:
        yield None
        return
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(process_count, mp_context=context) as pool:
        yield pool
