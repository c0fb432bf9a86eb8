"""The model of the disk: what is safe, what is pending, and what each damage leaves of it."""

import sqlite3

import pytest

from properties.crashes.damage import ImageId, damages, image_of
from properties.crashes.disk import Disk, disk_at
from properties.crashes.recording import (
    Change,
    Linked,
    Recorder,
    Recording,
    Synced,
    SyncFailed,
    Truncated,
    Unlinked,
    Wrote,
)
from properties.faults.operations import Kind, Operation, Result, Role
from properties.subjects import V9

OLD, NEW = b"o" * 1024, b"n" * 1024


def recording(*events: Change | Synced | SyncFailed) -> Recording:
    """One file, created and synced with old content, and then what is given."""
    begun: list[Change | Synced | SyncFailed] = [
        Linked(inode=1, name="rows.db"),
        Wrote(inode=1, offset=0, content=OLD),
        Synced(inode=1, change_count=2),
        Synced(inode=None, change_count=3),
    ]
    return Recording("rows.db", V9, [*begun, *events], {1: "rows.db", 2: "rows.db-wal"})


def image(made: Recording, damage: str, at: int = 0, sectors: int = 0) -> dict[str, bytes]:
    """Return one image of the last moment."""
    point = len(made.events)
    return image_of(disk_at(made, point), ImageId(point, damage, at, sectors))


OVERWRITE = Wrote(inode=1, offset=0, content=NEW)
APPEND = Wrote(inode=1, offset=1024, content=NEW)


@pytest.mark.parametrize(
    ("damage", "at", "sectors", "expected"),
    [
        ("kept", 0, 0, NEW + NEW),
        ("lost", 0, 0, OLD),
        ("prefix", 1, 0, NEW),
        ("one-lost", 0, 0, OLD + NEW),
        ("one-lost", 1, 0, NEW),
        ("one-kept", 1, 0, OLD + NEW),
        ("torn", 0, 1, NEW[:512] + OLD[512:]),
        ("head-lost", 1, 1, NEW + bytes(512) + NEW[512:]),
    ],
)
def test_each_damage_leaves_what_it_says(
    damage: str, at: int, sectors: int, expected: bytes
) -> None:
    """Of an overwrite and an append, both not synced."""
    assert {"rows.db": expected} == image(recording(OVERWRITE, APPEND), damage, at, sectors)


def test_new_ground_can_show_anything() -> None:
    """Behind the old end, and nowhere else."""
    content = image(recording(APPEND), "garbage", 0)["rows.db"]
    assert OLD == content[:1024]
    assert content[1024:] not in (NEW, bytes(1024))
    assert 2048 == len(content)


def test_a_sync_makes_safe_what_came_before_it_began() -> None:
    """A write that slips in while a sync is under way is not safe."""
    made = recording(OVERWRITE, APPEND, Synced(inode=1, change_count=5))
    assert {"rows.db": NEW} == image(made, "lost")


FAILED = SyncFailed(inode=1, change_count=5)


def test_what_a_failed_sync_leaves_no_later_one_makes_safe() -> None:
    """The append is safe after the second sync; what the first was for may be gone for ever."""
    made = recording(OVERWRITE, FAILED, APPEND, Synced(inode=1, change_count=7))
    assert {"rows.db": OLD + NEW} == image(made, "lost")
    assert {"rows.db": NEW + NEW} == image(made, "kept")


def test_what_is_written_again_after_a_failed_sync_is_safe() -> None:
    """Only what nobody wrote again may be gone, and what is kept of it lies below the new."""
    again = Wrote(inode=1, offset=256, content=b"a" * 512)
    made = recording(OVERWRITE, FAILED, again, Synced(inode=1, change_count=7))
    safe = OLD[:256] + b"a" * 512 + OLD[768:]
    assert {"rows.db": safe} == image(made, "lost")
    assert {"rows.db": NEW[:256] + b"a" * 512 + NEW[768:]} == image(made, "kept")
    whole = recording(OVERWRITE, FAILED, OVERWRITE, Synced(inode=1, change_count=7))
    assert [] == disk_at(whole, len(whole.events)).pending
    short = recording(
        OVERWRITE, FAILED, Truncated(inode=1, size=512), Synced(inode=1, change_count=7)
    )
    assert {"rows.db": OLD[:512]} == image(short, "lost")
    assert {"rows.db": NEW[:512]} == image(short, "kept")


def test_a_recorder_writes_down_that_a_sync_failed() -> None:
    """A sync that is only pretended is none, and a later one makes up for it."""
    recorder = Recorder("rows.db", V9)
    names = {"role": Role.DATABASE, "name": "rows.db", "handle": 1}
    for index, kind, result in (
        (1, Kind.OPEN, Result(0, done=True)),
        (2, Kind.SYNC, Result(0, done=False)),
        (3, Kind.SYNC, Result(sqlite3.SQLITE_IOERR, done=False)),
    ):
        operation = Operation(index=index, kind=kind, content=None, **names)  # type: ignore[arg-type]
        recorder.plan(operation)
        recorder.observe(operation, result)
    assert [
        Linked(inode=1, name="rows.db"),
        SyncFailed(inode=1, change_count=1),
    ] == recorder.recording.events
    assert "    1  sync database fails" == recorder.recording.line(1)


def test_a_name_is_safe_only_after_the_sync_of_its_folder() -> None:
    """A synced file without its name is nowhere; a removed one comes back."""
    created = (Linked(inode=2, name="rows.db-wal"), Wrote(inode=2, offset=0, content=NEW))
    made = recording(*created, Synced(inode=2, change_count=6))
    assert {"rows.db": OLD} == image(made, "names-lost")
    made = recording(*created, Synced(inode=2, change_count=6), Synced(inode=None, change_count=7))
    assert {"rows.db": OLD, "rows.db-wal": NEW} == image(made, "lost")
    removed = recording(
        *created,
        Synced(inode=2, change_count=6),
        Synced(inode=None, change_count=7),
        Unlinked(name="rows.db-wal"),
    )
    assert {"rows.db": OLD} == image(removed, "kept")
    assert {"rows.db": OLD, "rows.db-wal": NEW} == image(removed, "lost")


def test_a_truncation_can_be_lost_too() -> None:
    """It is a change like any other, and in its order among them."""
    made = recording(Truncated(inode=1, size=512), APPEND)
    assert {"rows.db": OLD[:512] + bytes(512) + NEW} == image(made, "kept")
    assert {"rows.db": OLD + NEW} == image(made, "one-lost", 0)


def test_a_cut_shortens_the_wal_alone() -> None:
    """At any byte."""
    made = recording(Linked(inode=2, name="rows.db-wal"), Wrote(inode=2, offset=0, content=NEW))
    assert {"rows.db": OLD, "rows.db-wal": NEW[:7]} == image(made, "cut", 7)


def test_an_id_reads_back_and_no_image_is_made_twice() -> None:
    """What a change leaves out was an image of the moment before."""
    made = recording(OVERWRITE, APPEND)
    point = len(made.events)
    disk = disk_at(made, point)
    ids = list(damages(point, disk, changed=True, subset_count=2, most_changes=9))
    assert ids == [ImageId.parse(str(each)) for each in ids]
    assert len(ids) == len(set(ids))
    fresh = list(damages(point, disk, changed=False, subset_count=2, most_changes=9))
    left_out = {(each.damage, each.at) for each in set(fresh) - set(ids)}
    assert {("prefix", 0), ("one-kept", 0), ("torn", 0)} == left_out


def test_a_recorder_under_threads_counts_a_sync_from_its_beginning() -> None:
    """Another thread's write completes between the beginning and the end of a sync."""
    recorder = Recorder("rows.db", V9)
    names = {"role": Role.DATABASE, "name": "rows.db", "handle": 1}

    def operation(index: int, kind: Kind, content: bytes | None = None) -> Operation:
        return Operation(index=index, kind=kind, content=content, **names)  # type: ignore[arg-type]

    done = Result(0, done=True)
    recorder.observe(operation(1, Kind.OPEN), done)
    recorder.observe(operation(2, Kind.WRITE, b"safe"), done)
    recorder.plan(operation(3, Kind.SYNC))
    recorder.observe(operation(4, Kind.WRITE, b"late"), done)
    recorder.observe(operation(3, Kind.SYNC), done)
    disk = Disk()
    for index, event in enumerate(recorder.recording.events):
        disk.apply(index, event)
    assert {1: b"safe"} == disk.contents
    assert [b"late"] == [change.content for _, change in disk.pending if isinstance(change, Wrote)]
