"""How many operations there are, by release: what ``pinned.toml`` says, and whether it is so.

A number that changes while the release stays means that something else is struck than was: the
enumeration has a hole, or the subject does something new.
"""

from __future__ import annotations

import sqlite3
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import msgspec

from properties.faults.enumeration import Enumeration
from properties.faults.plan import Means

PINNED = Path(__file__).with_name("pinned.toml")

_HEADER = """\
# How many operations each means can strike, by the releases that decide it, subject and phase; and
# how many of those faults (once and persistently) are durable yet raise. `pairs` are the points of
# a means that strikes twice. Written by `nox -s faults -- --profile ci --pin`; a difference is a
# failure.
"""


class Pin(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``operations`` of one means, and ``durable`` of all its faults durable yet raised."""

    operations: int
    pairs: int | None = None
    durable: int | None = None


Pins = dict[str, dict[str, dict[str, Pin]]]
"""By releases, by subject, by ``means, phase``."""


def releases(means: Means) -> str:
    """Return the releases that decide the means' number of operations, as the key of its pins."""
    return ", ".join(f"{name} {_release(name)}" for name in means.depends_on)


def _release(name: str) -> str:
    if name == "sqlite":
        return sqlite3.sqlite_version
    if name == "python":
        return f"{sys.version_info.major}.{sys.version_info.minor}"
    return metadata.version(name)


def pins(path: Path = PINNED) -> Pins:
    """Return what is pinned. Raises ``msgspec.ValidationError``."""
    if not path.exists():
        return {}
    return msgspec.convert(tomllib.loads(path.read_text("utf-8")), Pins)


def pin_of(known: Pins, means: Means, found: Enumeration) -> Pin | None:
    """Return what is pinned for this enumeration, or None."""
    return known.get(releases(means), {}).get(found.subject, {}).get(_key(found))


def difference(pin: Pin | None, found: Enumeration) -> str | None:
    """Say how the enumeration differs from its pin; None if it does not or has none."""
    if pin is None:
        return None
    if pin.operations != found.operation_count:
        return f"{found.operation_count} operations, pinned are {pin.operations}"
    if found.is_complete and pin.pairs not in (None, found.pair_count):
        return f"{found.pair_count} pairs, pinned are {pin.pairs}"
    if found.is_complete and pin.durable not in (None, found.durable_yet_raised):
        return f"{found.durable_yet_raised} durable yet raised, pinned are {pin.durable}"
    return None


def pin(known: Pins, means: Means, found: Enumeration) -> None:
    """Take an enumeration into ``known``; a sample knows nothing new of what is durable."""
    by_subject = known.setdefault(releases(means), {}).setdefault(found.subject, {})
    before = by_subject.get(_key(found))
    durable = None if before is None else before.durable
    pairs = None if before is None else before.pairs
    if found.is_complete:
        durable, pairs = found.durable_yet_raised, found.pair_count or None
    by_subject[_key(found)] = Pin(found.operation_count, pairs, durable)


def write(known: Pins, path: Path = PINNED) -> None:
    """Write the file, sorted."""
    lines = [_HEADER]
    for key, by_subject in sorted(known.items()):
        for subject, by_means in sorted(by_subject.items()):
            lines.append(f'["{key}".{subject}]')
            for what, each in sorted(by_means.items()):
                pairs = "" if each.pairs is None else f", pairs = {each.pairs}"
                durable = "" if each.durable is None else f", durable = {each.durable}"
                lines.append(f'"{what}" = {{ operations = {each.operations}{pairs}{durable} }}')
            lines.append("")
    path.write_text("\n".join(lines), encoding="utf-8")


def _key(found: Enumeration) -> str:
    return f"{found.means}, {found.phase.value}"
