"""The corpus of real regressions: `regressions.toml`, one pair of releases and one law each.

A pair says that a law breaks at one release and holds at another one, what the failure must say to
be that very defect, and where its makers tell of it. Nothing here starts anything.
"""

import tomllib
from collections.abc import Sequence
from pathlib import Path

import msgspec

from reports.session import UsageError

CORPUS = Path(__file__).with_name("regressions.toml")


SQLITE = "sqlite"
"""A pair of SQLites, put under the interpreter's own module in the environment of the lock."""
CPYTHON = "cpython"
"""A pair of interpreters, each with the lock's libraries."""


class Workload(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A law that several processes must be started for: `nox -s durability -- --workload NAME`."""

    name: str
    seconds: float
    runs: int = 1


class Pair(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One difference between two real releases, and the law that must see it.

    ``package`` is a distribution, or ``SQLITE``, or ``CPYTHON``. ``shows`` stands in the failure
    that the law reports at ``bad``: the right law for a wrong reason is a miss. ``is_on_purpose``
    marks what was changed and not broken.
    """

    name: str
    package: str
    bad: str
    good: str
    law: str
    shows: str
    what: str
    reference: str
    is_on_purpose: bool = False
    workload: Workload | None = None

    @property
    def is_installed(self) -> bool:
        """Whether an environment is made with it; else the interpreter or its SQLite is another."""
        return self.package not in {SQLITE, CPYTHON}


class _Corpus(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pair: list[Pair]


def corpus(path: Path = CORPUS) -> list[Pair]:
    """Return the pairs in the order of the file. Raises ``msgspec.ValidationError``."""
    return msgspec.convert(tomllib.loads(path.read_text("utf-8")), _Corpus).pair


def chosen(
    pairs: Sequence[Pair], *, names: Sequence[str] = (), packages: Sequence[str] = ()
) -> list[Pair]:
    """Return the pairs that were asked for; nothing asked for is all. Raises ``UsageError``."""
    for asked, known, what in (
        (names, [pair.name for pair in pairs], "pair is named"),
        (packages, sorted({pair.package for pair in pairs}), "pair is of"),
    ):
        for name in asked:
            if name not in known:
                raise UsageError(f"no {what} {name!r}; --list shows all {len(pairs)}.")
    return [
        pair
        for pair in pairs
        if (not names or pair.name in names) and (not packages or pair.package in packages)
    ]
