"""Who runs next: rounds of processes on one CPU, one at a time, in an order drawn for each round.

Every process asks before each round. When nobody runs and everybody who is left has asked, those
that ask for the earliest round get it one after the other in a drawn order. So the rounds of a pair
are neighbours in time, and for one release against itself they may be exchanged.
"""

import random
from collections.abc import Hashable, Sequence

Player = Hashable
Place = tuple[str, int]


class Referee:
    """Decides turns; knows nothing of sockets or processes."""

    def __init__(self, players: Sequence[Player], draw: random.Random) -> None:
        """Expect these players; nobody runs before each of them has asked or left."""
        self._draw = draw
        self._left = list(players)
        self._waiting: dict[Player, Place] = {}
        self._due: list[Player] = []
        self._running: Player | None = None
        self._order: dict[str, int] = {}

    def ask(self, player: Player, benchmark: str, number: int) -> None:
        """A player is ready for a round, and so has ended the one that it ran."""
        self._order.setdefault(benchmark, len(self._order))
        self._waiting[player] = (benchmark, number)
        if self._running == player:
            self._running = None

    def leave(self, player: Player) -> None:
        """A player has ended."""
        if player in self._left:
            self._left.remove(player)
        self._waiting.pop(player, None)
        self._due = [each for each in self._due if each != player]
        if self._running == player:
            self._running = None

    def is_waiting(self, player: Player) -> bool:
        """Whether a player has asked and was not let run yet."""
        return player in self._waiting

    def next_turn(self) -> Player | None:
        """The player to let run now; None while somebody runs or has not asked yet."""
        if self._running is not None or not self._left:
            return None
        if not self._due:
            if any(player not in self._waiting for player in self._left):
                return None
            earliest = min(map(self._rank, self._left))
            self._due = [player for player in self._left if self._rank(player) == earliest]
            self._draw.shuffle(self._due)
        self._running = self._due.pop()
        del self._waiting[self._running]
        return self._running

    def _rank(self, player: Player) -> tuple[int, int]:
        benchmark, number = self._waiting[player]
        return self._order[benchmark], number
