"""A checkout or a wheel of this machine in the place of a release.

A checkout is built into a wheel by its own builder. The wheel is kept under the digest of what is
in it, and from then on it is a requirement like any other: `NAME @ file:///….whl`, whose path holds
the digest and whose hash stands in the resolved requirements. Another state of the checkout is
another wheel, so no environment of an older one is used for it.
"""

import hashlib
import os
import shutil
import tempfile
import zipfile
from pathlib import Path
from urllib.parse import unquote, urlsplit

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename

from reports.environments import Builder
from reports.schema import given_path
from reports.session import UsageError, shown

LONGEST = 4096
"""Characters of a path; what is longer is none."""
WHEELS = "wheels"
"""The folder of a cache that holds them, each in a folder named by its digest."""
ADVICE = "Give a wheel (.whl), or a folder with a pyproject.toml."


def located(text: str, builder: Builder) -> str:
    """The requirement of the wheel or checkout that a text names; any other text as it is.

    Raises `UsageError` for what is neither, `EnvironmentUnavailableError` for what does not build.
    """
    name, path = _named(text) if len(text) <= LONGEST else (None, None)
    if path is None:
        return text
    with tempfile.TemporaryDirectory(prefix="fsmcore-wheel-") as scratch:
        if path.is_dir():
            wheel = builder.wheel_of(path, Path(scratch))
        elif path.suffix == ".whl" and path.is_file():
            wheel = path
        else:
            raise UsageError(f"{text!r}: there is no such wheel or checkout. {ADVICE}")
        found = _name_of(wheel)
        if name is not None and canonicalize_name(name) != found:
            raise UsageError(f"{text!r} names {name}, and holds {found}. Name what it holds.")
        return f"{found} @ {_kept(wheel, builder.cache / WHEELS).as_uri()}"


def _named(text: str) -> tuple[str | None, Path | None]:
    """The name, where one is given, and the path; no path for what is a question about an index.

    As pip has it: what holds a slash is a path, so `aiosqlite` is a name whatever lies here.
    """
    try:
        requirement = Requirement(text)
    except InvalidRequirement:
        is_path = os.sep in text.partition("@")[0] or text.endswith(".whl")
        return None, given_path(text).expanduser().absolute() if is_path else None
    address = urlsplit(requirement.url or "")
    if address.scheme != "file" or address.netloc not in {"", "localhost"}:
        return None, None
    return requirement.name, Path(unquote(address.path))


def _name_of(wheel: Path) -> str:
    try:
        return str(parse_wheel_filename(wheel.name)[0])
    except InvalidWheelFilename as error:
        raise UsageError(f"{shown(wheel)}: {error}. {ADVICE}") from error


def _kept(wheel: Path, home: Path) -> Path:
    """The wheel as it is now, where nothing changes it any more."""
    kept = home / digest_of(wheel)[:16] / wheel.name
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        partial = kept.with_name(f".{wheel.name}.{os.getpid()}")
        shutil.copyfile(wheel, partial)
        partial.replace(kept)
    return kept.absolute()


def digest_of(wheel: Path) -> str:
    """Digest names and contents, not the times at which they were packed."""
    found = hashlib.sha256()
    try:
        with zipfile.ZipFile(wheel) as archive:
            for name in sorted(archive.namelist()):
                content = hashlib.sha256(archive.read(name)).hexdigest()
                found.update(f"{name}\0{content}\n".encode())
    except (OSError, zipfile.BadZipFile) as error:
        raise UsageError(f"{shown(wheel)}: no wheel ({error}). {ADVICE}") from error
    return found.hexdigest()
