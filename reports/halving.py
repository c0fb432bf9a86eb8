"""Where something changed along a line: halving what is left until two neighbours differ."""

from collections.abc import Callable
from dataclasses import dataclass

Differs = Callable[[int], bool | None]
"""Whether the place is otherwise than the first one; None where that cannot be known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Boundary:
    """The last place that is like the first one, and the next one that is not.

    Between them lie only places of which nothing could be known. There may be other boundaries:
    what changed, changed back and changed again has three.
    """

    same: int
    changed: int
    asked_count: int

    @property
    def unknown(self) -> range:
        """The places between them."""
        return range(self.same + 1, self.changed)


def boundary(count: int, differs: Differs) -> Boundary:
    """Find a boundary among ``count`` places of which the last differs from the first.

    Asks ceil(log2(count - 1)) places at most, and one more for each that cannot be known.
    """
    if count < 2:
        raise ValueError("a change lies between two places at least")
    same, changed, asked_count = 0, count - 1, 0
    unknown: set[int] = set()
    while left := [each for each in range(same + 1, changed) if each not in unknown]:
        place = left[len(left) // 2]
        asked_count += 1
        answer = differs(place)
        if answer is None:
            unknown.add(place)
        elif answer:
            changed = place
        else:
            same = place
    return Boundary(same=same, changed=changed, asked_count=asked_count)
