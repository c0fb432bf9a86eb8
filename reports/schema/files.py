"""Records as files: written whole or not at all, read as exactly the type that was asked for."""

import argparse
import os
import tempfile
from pathlib import Path
from typing import TypeVar

import msgspec

from reports.schema.parts import SCHEMA_VERSION, Record

RecordT = TypeVar("RecordT", bound=Record)


class RecordError(Exception):
    """A record cannot be used: which file, what is wrong with it, what to do."""

    def __init__(self, path: str | os.PathLike[str], what: str, advice: str) -> None:
        self.path = str(path)
        self.what = what
        self.advice = advice
        super().__init__(f"{self.path}: {what}. {advice}")


class RecordMissingError(RecordError):
    """There is no such file."""


class RecordCorruptError(RecordError):
    """The file is not the record that was asked for."""


class RecordNewerError(RecordError):
    """The record was written by a newer edition of this project."""


class RecordNotWrittenError(RecordError):
    """The record could not be written; whatever stood there before is unchanged."""


INVOKED_FROM = "FSMCORE_INVOKED_FROM"
"""In the environment: the folder from which a session was called. It runs in the checkout."""


def given_path(text: str) -> Path:
    """Return where a path on the command line leads: a relative one begins where the caller is.

    An argument's type for argparse.
    """
    base = Path(os.environ.get(INVOKED_FROM) or Path.cwd())
    return Path(text) if base == Path.cwd() else base / text


def record_path(text: str) -> Path:
    """Return the same for a record, which can be written there now.

    An argument's type: raises ``ArgumentTypeError``. Makes the record's folder.
    """
    path = given_path(text)
    try:
        if path.is_dir():
            raise argparse.ArgumentTypeError(f"{path} is a folder; name a file in it")
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise argparse.ArgumentTypeError(f"{path} cannot be written: {error.strerror}") from error
    return path


class _Header(msgspec.Struct):
    kind: str
    schema_version: int


def write(path: str | os.PathLike[str], record: Record) -> None:
    """Write a record whole or not at all, durably, making its folder.

    The text is decoded again before it is written, so that nothing is left behind that `read`
    would refuse (a NaN, say). Safe to interrupt: an old record stays until the new one is whole.
    """
    target = Path(path)
    payload = msgspec.json.format(msgspec.json.encode(record), indent=1) + b"\n"
    advice = "Give every field a value of its type; a figure must be a finite number."
    try:
        survives = msgspec.json.decode(payload, type=type(record)) == record
    except msgspec.ValidationError as error:
        raise RecordNotWrittenError(path, f"not a valid record ({error})", advice) from error
    if not survives:
        raise RecordNotWrittenError(path, "the record would not read back equal", advice)
    temporary: str | None = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(
            dir=target.parent, prefix=f".{target.name}.", suffix=".partial"
        )
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(payload)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, target)
        temporary = None
    except OSError as error:
        raise RecordNotWrittenError(
            path,
            f"cannot write the record: {error.strerror}",
            "Free some space or choose a folder that can be written; nothing was changed.",
        ) from error
    finally:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)


def kind_of(path: str | os.PathLike[str]) -> str:
    """Return what kind of record a file says it is; raises what ``read`` raises."""
    return _opened(path)[1].kind


def _opened(path: str | os.PathLike[str]) -> tuple[bytes, _Header]:
    try:
        payload = Path(path).read_bytes()
    except FileNotFoundError as error:
        raise RecordMissingError(
            path, "no such file", "Run the session that writes it first, or correct the path."
        ) from error
    except OSError as error:
        raise RecordCorruptError(
            path, f"cannot be read: {error.strerror}", "Name a file that can be read."
        ) from error
    try:
        header = msgspec.json.decode(payload, type=_Header)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RecordCorruptError(
            path, f"not a record of this project ({error})", "Write it again."
        ) from error
    if header.schema_version > SCHEMA_VERSION:
        raise RecordNewerError(
            path,
            f"schema version {header.schema_version}; this checkout reads {SCHEMA_VERSION}",
            "Read it with the checkout that wrote it, or update this one.",
        )
    return payload, header


def read(path: str | os.PathLike[str], record_type: type[RecordT]) -> RecordT:
    """Read a record of exactly this type, or say what the file is instead."""
    payload, header = _opened(path)
    wanted = msgspec.inspect.type_info(record_type)
    wanted_kind = wanted.tag if isinstance(wanted, msgspec.inspect.StructType) else None
    if header.kind != wanted_kind:
        raise RecordCorruptError(
            path, f"a record of kind {header.kind!r}, not {wanted_kind!r}", "Name the right file."
        )
    try:
        return msgspec.json.decode(payload, type=record_type)
    except msgspec.ValidationError as error:
        raise RecordCorruptError(path, f"damaged: {error}", "Write it again.") from error
