"""Reading what was asked for, and refusing what is no question about a release.

A requirement reaches the resolver only after it was parsed and written anew by `packaging`, in a
file: nothing that looks like an option, a path or an address can get through.
"""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from reports.session import UsageError

MEASURED_GROUP = "benchmarks"
"""The dependency group of a measured environment; it includes the one of the laws."""


def parse(texts: Sequence[str], *, locked: Mapping[str, str]) -> dict[str, Requirement]:
    """Requirements by canonical name; `locked` holds the versions of the lock by name."""
    asked: dict[str, Requirement] = {}
    for text in texts:
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
    if requirement.url is not None:
        raise UsageError(f"{text!r} names an address. Only releases of an index can be judged.")
    if requirement.marker is not None or requirement.extras:
        raise UsageError(f"{text!r} has a marker or an extra. Write NAME==VERSION only.")
    return requirement


def direct_requirements(pyproject: Path) -> list[Requirement]:
    """What a measured environment asks for itself: the core's dependencies and the group."""
    content = tomllib.loads(pyproject.read_text(encoding="utf-8"))
    texts = [*content["project"]["dependencies"], *_group(content, MEASURED_GROUP)]
    return [Requirement(text) for text in dict.fromkeys(texts)]


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
