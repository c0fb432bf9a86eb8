"""``nox -s exhaustive -- --prove``: the reduced search ends as the unreduced one, where that ends.

Every scenario under every small budget whose unreduced tree is small enough. How large a tree is,
random paths guess first (``guessing``). What is proved is kept in a folder, one file a cell, so
that the same command goes on after a stop, and shards of the cells come together.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from properties.session import UsageError
from properties.simulation import saving
from properties.simulation.budget import Budget
from properties.simulation.explore import explore
from properties.simulation.guessing import guessed_size
from properties.simulation.scenario import Scenario
from properties.simulation.watching import Onlooker

BUDGETS = (
    Budget(),
    Budget(overlaps=1),
    Budget(overlaps=2),
    Budget(early_clocks=1),
    Budget(early_clocks=2),
    Budget(cancellations=1),
    Budget(cancellations=2),
    Budget(cancellations=1, overlaps=1),
    Budget(cancellations=1, early_clocks=1),
    Budget(early_clocks=1, overlaps=1),
)
HOPELESS = 3
"""A tree guessed so many times too large is not tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One scenario under one budget."""

    scenario: Scenario
    budget: Budget

    @property
    def name(self) -> str:
        """Return what finds it: the scenario, cancellations, early clocks and overlaps."""
        spent = (self.budget.cancellations, self.budget.early_clocks, self.budget.overlaps)
        return f"{self.scenario.name} c{spent[0]} e{spent[1]} o{spent[2]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """A cell, searched twice. ``unreduced_count`` is None: too large, ``guess`` says how large."""

    cell: str
    guess: float
    unreduced_count: int | None = None
    reduced_count: int = 0
    unreduced_outcomes: int = 0
    reduced_outcomes: int = 0
    difference: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    identity: dict[str, str]
    proof: Proof


def cells(scenarios: Sequence[Scenario], budgets: Sequence[Budget], shard: str = "") -> list[Cell]:
    """Return every cell, or those of one shard: 2/5 are the second, the seventh and so on."""
    index, count = saving.parsed_shard(shard)
    every = [Cell(scenario=each, budget=budget) for each in scenarios for budget in budgets]
    return every[index::count]


def proofs(
    chosen: Sequence[Cell], *, limit: int, folder: Path | None = None, only_kept: bool = False
) -> Iterator[Proof]:
    """Search each cell twice, where ``limit`` unreduced runs are enough; what is kept, is read.

    ``only_kept`` searches nothing, and raises ``UsageError`` for a cell that nobody has kept.
    """
    for cell in chosen:
        wanted = saving.identity(cell.scenario, cell.budget, reduces=True) | {"limit": str(limit)}
        path = None if folder is None else folder / f"{cell.name.replace(' ', '.')}.proof.json"
        kept = None if path is None or not path.exists() else _read(path, wanted)
        if kept is not None:
            yield kept
        elif only_kept:
            raise UsageError(f"{cell.name} is not proved there yet; run its shard, or all.")
        else:
            found = proof(cell, limit=limit)
            if path is not None:
                saving.write(path, _Kept(identity=wanted, proof=found))
            yield found


def _read(path: Path, wanted: dict[str, str]) -> Proof:
    try:
        kept = msgspec.json.decode(path.read_bytes(), type=_Kept)
    except (OSError, msgspec.DecodeError) as error:
        raise UsageError(f"{path.name}: no proof ({error}). Remove it to begin anew.") from error
    saving.require_same(kept.identity, wanted, path)
    return kept.proof


def proof(cell: Cell, *, limit: int) -> Proof:
    """Search a cell twice."""
    guess = guessed_size(cell.scenario, cell.budget)
    if guess > HOPELESS * limit:
        return Proof(cell=cell.name, guess=guess)
    with Onlooker(f"{cell.name}, unreduced") as watch:
        whole = explore(
            cell.scenario, budget=cell.budget, reduces=False, run_limit=limit, watch=watch
        )
    if not whole.is_complete:
        return Proof(cell=cell.name, guess=guess)
    with Onlooker(cell.name) as watch:
        reduced = explore(cell.scenario, budget=cell.budget, watch=watch)
    lost = sorted(f"only unreduced: {each}" for each in whole.outcomes - reduced.outcomes)
    extra = sorted(f"only reduced: {each}" for each in reduced.outcomes - whole.outcomes)
    return Proof(
        cell=cell.name,
        guess=guess,
        unreduced_count=whole.run_count,
        reduced_count=reduced.run_count + reduced.cut_count,
        unreduced_outcomes=len(whole.outcomes),
        reduced_outcomes=len(reduced.outcomes),
        difference=(*lost, *extra),
    )
