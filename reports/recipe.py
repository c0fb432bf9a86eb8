"""What a matrix asks: a recipe a group of cells, `recipes/*.toml`, small enough to be read at once.

    title = "aiosqlite"
    releases = ["aiosqlite==0.20.0", "aiosqlite==0.22.1 python-statemachine==3.2.2"]
    pythons = ["3.11", "3.13"]
    sqlites = ["3.51.3"]

Every choice of releases is asked on every Python and every SQLite. Releases that stand in one
text, with a space between them, go together, and an empty text is the lock. Without `sqlites` each
Python has the one that it is linked to.
"""

import itertools
from collections.abc import Sequence
from pathlib import Path

import msgspec

from reports.schema import Asked, Cell, Place
from reports.session import UsageError, shown

FOLDER = Path(__file__).with_name("recipes")
LIBRARIES = "the libraries"


class Recipe(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One group of cells. `subjects` are whose laws are asked; their default is one machine of the
    core's, and what is assumed of the libraries.
    """

    title: str
    pythons: tuple[str, ...]
    releases: tuple[str, ...] = ("",)
    sqlites: tuple[str | None, ...] = (None,)
    subjects: tuple[str, ...] = ("statemachine", LIBRARIES)

    def cells(self, *, sources: str, seed: int) -> list[Cell]:
        """The cells in the order in which environments can be used again."""
        places = itertools.product(self.pythons, self.releases, self.sqlites)
        return [
            Cell(
                asked=Asked.LAWS,
                place=Place(python=python, requirements=sorted(releases.split()), sqlite=sqlite),
                sources=sources,
                subjects=list(self.subjects),
                seed=seed,
            )
            for python, releases, sqlite in places
        ]


def read(path: Path) -> Recipe:
    """Read a recipe strictly. Raises `UsageError`."""
    try:
        return msgspec.toml.decode(path.read_bytes(), type=Recipe)
    except (OSError, msgspec.DecodeError) as error:
        raise UsageError(
            f"{shown(path)}: no recipe ({error}). It has a title, pythons, and releases or sqlites."
        ) from error


def chosen(names: Sequence[str], files: Sequence[Path], folder: Path = FOLDER) -> list[Recipe]:
    """The recipes of these groups and files; nothing named is every group. Raises `UsageError`."""
    known = {path.stem: path for path in sorted(folder.glob("*.toml"))}
    for name in names:
        if name not in known:
            raise UsageError(f"no group is named {name!r}. There are: {', '.join(known)}.")
    paths = [*map(known.__getitem__, names), *files] or list(known.values())
    return [read(path) for path in paths]
