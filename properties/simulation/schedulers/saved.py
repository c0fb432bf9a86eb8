"""The path of a search as plain records, so that another process can go on with it.

All that a depth-first search knows is where it stands; see ``path.Node`` for the fields.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from properties.simulation.scheduler import Footprint, Option
from properties.simulation.schedulers.path import Node, Sleeper


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedNode:
    """A choice point. ``outer`` is its index in the path, -1 for the root."""

    options: list[Option]
    inner: bool
    level: int
    spare_clocks: int
    spare_faults: int
    chosen: int
    order: list[int]
    explored: list[int]
    outer: int
    needed: list[str] | None
    sleepers: list[tuple[Option, Footprint | None, Footprint | None]]
    plain: Footprint | None
    variants: Footprint | None
    below: dict[str, Footprint]
    total: dict[str, Footprint]
    must_vary: bool
    must_not_vary: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedPath:
    """A scheduler between two runs. ``shared`` and ``clock_interferes`` are what it has learnt."""

    nodes: list[SavedNode]
    shared: int
    clock_interferes: bool
    frontier_count: int


def pack(path: Sequence[Node]) -> list[SavedNode]:
    """Return the records of a path."""
    places = {id(node): index for index, node in enumerate(path)}
    return [
        SavedNode(
            options=list(node.options),
            inner=node.inner,
            level=node.level,
            spare_clocks=node.spare_clocks,
            spare_faults=node.spare_faults,
            chosen=node.chosen,
            order=list(node.order),
            explored=sorted(node.explored),
            outer=places.get(id(node.outer), -1),
            needed=None if node.needed is None else sorted(node.needed),
            sleepers=[(each, one.plain, one.variants) for each, one in node.sleepers.items()],
            plain=node.plain,
            variants=node.variants,
            below=node.below,
            total=node.total,
            must_vary=node.must_vary,
            must_not_vary=node.must_not_vary,
        )
        for node in path
    ]


def unpack(saved: Sequence[SavedNode], root: Node) -> list[Node]:
    """Return the path of some records."""
    path: list[Node] = []
    for each in saved:
        path.append(
            Node(
                options=each.options,
                inner=each.inner,
                level=each.level,
                spare_clocks=each.spare_clocks,
                spare_faults=each.spare_faults,
                chosen=each.chosen,
                order=each.order,
                explored=set(each.explored),
                outer=path[each.outer] if each.outer >= 0 else root,
                needed=None if each.needed is None else set(each.needed),
                sleepers={option: Sleeper(*parts) for option, *parts in each.sleepers},
                plain=each.plain,
                variants=each.variants,
                below=dict(each.below),
                total=dict(each.total),
                must_vary=each.must_vary,
                must_not_vary=each.must_not_vary,
            )
        )
    return path
