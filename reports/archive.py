"""One file that asks a gate's question again elsewhere: locks, schedules, records, verdict.

    nox -s gate -- REQUIREMENT --archive FILE.tar.gz         here
    nox -s gate -- --reproduce FILE.tar.gz                   elsewhere

Taken from the archive are both locks with their hashes, the seed, and the schedules, which are
replayed. Laws are asked and clocks run anew: another machine is another witness.
"""

import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath

import msgspec

from reports import kept, schema
from reports.kept import QUESTION, Kept
from reports.schema import GateQuestion, GateRecord, RecordError
from reports.session import UsageError

VERDICT = "gate.json"
LOCKS = ("baseline.txt", "candidate.txt")
SCHEDULES = "schedules.json"
"""In a gate's folder: the record whose schedules are replayed."""
WALKED = "behaviour/baseline/behaviour.json"
LARGEST_MEMBER_BYTES = 2**28


class ArchiveNotWrittenError(Exception):
    """The archive could not be written; the verdict stands all the same."""


def pack(home: Kept, record: GateRecord, archive: Path) -> None:
    """Write a gate's folder and its verdict as one archive, whole or not at all."""
    local = [each for each in home.question.requirements if " @ file:" in each]
    if local:
        raise ArchiveNotWrittenError(
            f"{archive}: the archive is not written: {local[0]} is only here. Give them the wheel."
        )
    partial = archive.with_name(f".{archive.name}.partial")
    try:
        schema.write(home.folder / VERDICT, record)
        archive.parent.mkdir(parents=True, exist_ok=True)
        with tarfile.open(partial, "w:gz", compresslevel=6) as packed:
            for path in sorted(home.folder.rglob("*")):
                if path.suffix in {".json", ".txt"} and path.is_file():
                    packed.add(path, arcname=path.relative_to(home.folder).as_posix())
        partial.replace(archive)
    except (OSError, RecordError) as error:
        with suppress(OSError):
            partial.unlink()
        what = error.strerror if isinstance(error, OSError) else error
        raise ArchiveNotWrittenError(f"{archive}: the archive is not written: {what}") from error


@contextmanager
def unpacked(archive: Path) -> Iterator[Path]:
    """The content of an archive. Its names lead nowhere else, whoever wrote it."""
    advice = "Name a file that `--archive` has written."
    with tempfile.TemporaryDirectory(prefix="fsmcore-gate-") as where:
        try:
            with tarfile.open(archive, "r:gz") as packed:
                members = [each for each in packed.getmembers() if each.isfile()]
                if any(each.size > LARGEST_MEMBER_BYTES for each in members):
                    raise UsageError(f"{archive}: a part of it is too large. {advice}")
                for each in members:
                    _unpack(packed, each, Path(where))
        except (OSError, tarfile.TarError, EOFError) as error:
            raise UsageError(f"{archive}: no archive of a gate ({error}). {advice}") from error
        yield Path(where)


def _unpack(packed: tarfile.TarFile, member: tarfile.TarInfo, where: Path) -> None:
    """Write one file below ``where``. By hand: filters came with Python 3.11.4."""
    name = PurePosixPath(member.name)
    content = packed.extractfile(member)
    if name.is_absolute() or ".." in name.parts or content is None:
        raise tarfile.TarError(f"{member.name!r} leads elsewhere")
    target = where / name
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content.read())


def question_of(folder: Path) -> tuple[GateQuestion, GateRecord]:
    """What was asked and answered there; raises `UsageError` for what is no gate's archive."""
    try:
        question = schema.read(folder / QUESTION, GateQuestion)
        answer = schema.read(folder / VERDICT, GateRecord)
    except RecordError as error:
        name = Path(error.path).name
        raise UsageError(f"the archive's {name}: {error.what}. {error.advice}") from error
    missing = [name for name in LOCKS if not (folder / name).is_file()]
    if missing:
        raise UsageError(f"the archive holds no {' and no '.join(missing)}. Make it anew.")
    here = kept.digest_of_sources()
    return msgspec.structs.replace(question, sources=here), answer


def stage(folder: Path, home: Kept) -> None:
    """Put the locks and the schedules of an archive where the gate looks for them."""
    for name in LOCKS:
        shutil.copyfile(folder / name, home.folder / name)
    if (folder / WALKED).is_file():
        shutil.copyfile(folder / WALKED, home.folder / SCHEDULES)


def differences(answer: GateRecord, now: GateRecord) -> list[str]:
    """What the archive says otherwise than this run: the verdict, laws, changes of behaviour."""
    told = [f"the archive says {answer.verdict.value}, this run {now.verdict.value}"]
    before = {law.law: law.outcome for law in answer.laws}
    told += [
        f"the law {law.law}: {before[law.law].value} in the archive, {law.outcome.value} here"
        for law in now.laws
        if law.law in before and before[law.law] is not law.outcome
    ]
    sentences = {each.sentence for each in answer.behaviour}
    here = {each.sentence for each in now.behaviour}
    told += [f"only in the archive: {each}" for each in sorted(sentences - here)]
    told += [f"only here: {each}" for each in sorted(here - sentences)]
    return told
