"""Reading what was asked for, and refusing what is no question about a release.

A requirement reaches the resolver only after it was parsed and written anew by `packaging`, in a
file: nothing that looks like an option, a path or an address can get through.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from reports.session import UsageError

MEASURED_GROUP = "benchmarks"
"""The dependency group of a measured environment; it includes the one of the laws."""


SQLITE = "sqlite"
"""No distribution, and asked about like one: the SQLite under the interpreter's own module."""
_SQLITE = re.compile(r"sqlite(?![\w.-])", re.IGNORECASE)
_SQLITE_PIN = re.compile(r"sqlite\s*==\s*(\d+(?:\.\d+)+)", re.IGNORECASE)
LONGEST = 200
"""Characters of a requirement; a name has at most 64 or so, a version fewer."""


def parse(texts: Sequence[str], *, locked: Mapping[str, str]) -> dict[str, Requirement]:
    """Requirements by canonical name; `locked` holds the versions of the lock by name."""
    asked: dict[str, Requirement] = {}
    for text in texts:
        if len(text) > LONGEST and " @ file:" not in text:
            raise UsageError(f"{text[:40]!r} and so on is too long for a requirement.")
        requirement = _parse_one(text)
        name = canonicalize_name(requirement.name)
        if name not in locked:
            raise UsageError(
                f"{requirement.name} is not part of this project, so no upgrade of it can be "
                f"judged. Ask about one of: {', '.join(sorted(locked))}."
            )
        if name in asked:
            raise UsageError(f"{name} was asked for twice. Write one requirement for each name.")
        asked[name] = requirement
    return asked


def _parse_one(text: str) -> Requirement:
    try:
        requirement = Requirement(text)
    except InvalidRequirement as error:
        what = str(error).splitlines()[0]
        raise UsageError(
            f"{text!r} is no requirement ({what}). Write NAME==VERSION, as in aiosqlite==0.20.0."
        ) from error
    if any(not each.version for each in requirement.specifier):
        raise UsageError(f"{text!r} names no version. Write NAME==VERSION.")
    if requirement.url is not None and not _is_wheel_here(requirement.url):
        raise UsageError(
            f"{text!r} names an address. Only releases of an index, and wheels and checkouts of "
            "this machine, can be judged."
        )
    if requirement.marker is not None or requirement.extras:
        raise UsageError(f"{text!r} has a marker or an extra. Write NAME==VERSION only.")
    return requirement


def _is_wheel_here(url: str) -> bool:
    address = urlsplit(url)
    path = Path(unquote(address.path))
    is_local = address.scheme == "file" and not address.netloc
    return is_local and path.suffix == ".whl" and path.is_file()


def split_sqlite(texts: Sequence[str]) -> tuple[list[str], str | None]:
    """What is asked for beside SQLite, and the SQLite: `sqlite==3.51.3` is asked for like others.

    Raises `UsageError` for one without a version, or for two.
    """
    found = [text for text in texts if _SQLITE.match(text.strip())]
    pins = [_SQLITE_PIN.fullmatch(text.strip()) for text in found]
    if len(pins) > 1 or None in pins:
        raise UsageError(f"{', '.join(found)}: write one SQLite, as in {SQLITE}==3.51.3.")
    rest = [text for text in texts if text not in found]
    return rest, next((pin[1] for pin in pins if pin is not None), None)


def production(pyproject: Path) -> list[str]:
    """The libraries that the core itself needs, by canonical name."""
    needed = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]["dependencies"]
    return [canonicalize_name(Requirement(each).name) for each in needed]


def direct_requirements(pyproject: Path) -> list[Requirement]:
    """What a measured environment asks for itself: the core's dependencies and the group."""
    content = tomllib.loads(pyproject.read_text(encoding="utf-8"))
    texts = [*content["project"]["dependencies"], *_group(content, MEASURED_GROUP)]
    return [Requirement(text) for text in dict.fromkeys(texts)]


def needed_by(beside: str | None) -> list[Requirement]:
    """What the folder of somebody's code asks for: its requirements.txt, or its project's.

    Raises `UsageError` for a line that is no requirement: it would be judged without it.
    """
    folder = Path(beside or "")
    if beside is None or not folder.is_dir():
        return []
    if (folder / "requirements.txt").is_file():
        lines = _text(folder / "requirements.txt").replace("\\\n", " ").splitlines()
        texts = [re.sub(r"(^|\s)#.*|\s--hash=.*", "", line).strip() for line in lines]
    elif (folder / "pyproject.toml").is_file():
        texts = _project(folder / "pyproject.toml").get("dependencies", [])
    else:
        return []
    return [_needed(text, folder) for text in texts if text]


def _needed(text: str, folder: Path) -> Requirement:
    try:
        found = Requirement(text)
    except InvalidRequirement as error:
        raise UsageError(f"{folder}: {text!r} is no requirement. Write NAME==VERSION.") from error
    if found.url is not None:
        raise UsageError(f"{folder}: {text!r} names an address. Only releases can be installed.")
    return found


def _project(path: Path) -> Mapping[str, Any]:
    try:
        project: Mapping[str, Any] = tomllib.loads(_text(path)).get("project", {})
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path}: no TOML ({error}).") from error
    return project


def _group(content: Mapping[str, Any], name: str) -> list[str]:  # TOML has any shape
    texts: list[str] = []
    for item in content["dependency-groups"][name]:
        texts += [item] if isinstance(item, str) else _group(content, item["include-group"])
    return texts


def resolver_input(direct: Sequence[Requirement], asked: Mapping[str, Requirement]) -> str:
    """What the resolver is asked for: the question, and the rest of what we need.

    The published bounds of an asked library do not hold it: whether they could be wider is a
    question that the gate is for.
    """
    others = [each for each in direct if canonicalize_name(each.name) not in asked]
    return "".join(f"{each}\n" for each in (*others, *asked.values()))


def pins(requirements: str) -> dict[str, str]:
    """Versions by name from a resolved requirements file."""
    found: dict[str, str] = {}
    for line in requirements.splitlines():
        if "==" in line and not line.startswith((" ", "#", "-")):
            name, _, rest = line.partition("==")
            found[canonicalize_name(name.strip())] = rest.split()[0].rstrip("\\;")
    return found


def vouched(resolved: str, constraints: str) -> str:
    """Resolved requirements, with the hashes of the constraints where those have any."""
    trusted = _hashes(constraints)
    found = []
    for name, version, marker, hashes in _pinned(resolved):
        known = trusted.get((name, version), hashes)
        found.append(" \\\n    ".join([f"{name}=={version}{marker}", *known]))
    return resolved if not trusted else "".join(f"{each}\n" for each in found)


def _hashes(text: str) -> dict[tuple[str, str], list[str]]:
    return {(name, version): hashes for name, version, _, hashes in _pinned(text) if hashes}


def _pinned(text: str) -> Iterator[tuple[str, str, str, list[str]]]:
    """Name, version, marker with its semicolon, and hashes of each line that pins a version."""
    for line in text.replace("\\\n", " ").splitlines():
        pin, *hashes = re.split(r"\s+(?=--hash=)", line.strip())
        if "==" in pin and not pin.startswith(("#", "-")):
            name, _, rest = pin.partition("==")
            version, semicolon, marker = rest.partition(";")
            told = f" ; {marker.strip()}" if semicolon else ""
            yield canonicalize_name(name.strip()), version.strip(), told, [*map(str.strip, hashes)]


def constraints(path: Path) -> str:
    """A file of constraints, written anew from what was understood of it.

    Raises `UsageError` for whatever is no NAME with versions and hashes: an option or an address
    in it could lead the resolver elsewhere.
    """
    written = []
    for line in _text(path).replace("\\\n", " ").splitlines():
        words = re.sub(r"(^|\s)#.*", "", line).strip()
        if not words:
            continue
        head, *hashes = re.split(r"\s+(?=--)", words)
        wrong = [each for each in hashes if not re.fullmatch(r"--hash=\w+:[0-9a-f]+", each)]
        try:
            requirement = Requirement(head)
        except InvalidRequirement:
            requirement = None
        if requirement is None or requirement.url is not None or wrong:
            raise UsageError(
                f"{path}: {words!r} is no constraint. Write NAME==VERSION, with --hash=… if known."
            )
        written.append(" \\\n    ".join([str(requirement), *hashes]))
    return "".join(f"{each}\n" for each in written)


def baseline(texts: Sequence[str], *, locked: Mapping[str, str]) -> dict[str, Requirement]:
    """What stands in the lock's place: requirements, or a file that pins versions.

    A file may be requirements with versions, a uv.lock or a pylock.toml. What of it is no part of
    this project is left out.
    """
    wanted: list[str] = []
    for text in texts:
        if not names_a_file(text):
            wanted.append(text)
            continue
        found = {name: pin for name, pin in _pins_of(Path(text)).items() if name in locked}
        if not found:
            raise UsageError(f"{text}: pins nothing that is part of this project.")
        wanted += [f"{name}=={version}" for name, version in sorted(found.items())]
    return parse(wanted, locked=locked)


def names_a_file(text: str) -> bool:
    """Whether this is the path of a file; what cannot be a path is none."""
    try:
        return Path(text).is_file()
    except OSError:
        return False


def _pins_of(path: Path) -> dict[str, str]:
    if path.suffix not in {".lock", ".toml"}:
        return pins(_text(path))
    try:
        content = tomllib.loads(_text(path))
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path}: no TOML ({error}). Name a lock file.") from error
    packages = content.get("package", content.get("packages", []))
    return {
        canonicalize_name(each["name"]): each["version"]
        for each in packages
        if "name" in each and "version" in each
    }


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot be read ({error}). Name a file of text.") from error
