"""Taking turns with the other processes of a pair, round by round, outside every clock.

A referee listens on a socket and lets one process run at a time. Rounds of both sides then lie
milliseconds apart on one CPU, so that both meet the same mood of the machine.
"""

from __future__ import annotations

import socket

import msgspec

from reports.schema import GO, TurnRequest


class RefereeGoneError(Exception):
    """Whoever gave out the turns has hung up; nothing that is measured now would be a pair."""


class Turns:
    """The turns of this process. Safe to make before a fork, not to share after it."""

    def __init__(self, path: str) -> None:
        """Connect to the referee's socket; raises ``OSError`` where nobody listens."""
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.connect(path)

    def wait(self, benchmark: str, number: int) -> None:
        """Ask for round ``number`` of ``benchmark``, and return when it may begin."""
        request = TurnRequest(benchmark=benchmark, round=number)
        self._socket.sendall(msgspec.json.encode(request) + b"\n")
        answer = self._socket.recv(len(GO))
        if answer != GO:
            raise RefereeGoneError("the referee of this pair has hung up")

    def close(self) -> None:
        """Hang up: the other processes go on alone."""
        self._socket.close()


class Rounds:
    """The turns of one benchmark: call it after each round, and once before the first."""

    def __init__(self, turns: Turns, benchmark: str, count: int) -> None:
        """Expect ``count`` rounds."""
        self._turns = turns
        self._benchmark = benchmark
        self._count = count
        self._taken = 0

    def __call__(self) -> None:
        """Wait for the next round; after the last one return at once."""
        if self._taken < self._count:
            self._taken += 1
            self._turns.wait(self._benchmark, self._taken - 1)
