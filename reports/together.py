"""Processes that take turns: started together on one CPU, served by one loop, killed together.

One loop waits for their requests, gives out the turns and sees who has ended, so nothing polls
while a round is on the clock.
"""

import contextlib
import os
import selectors
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Generic, TypeVar

import msgspec

from reports import processes
from reports.processes import LAUNCH, Ended, Pulse, kill_group, uninterrupted
from reports.schema import GO, TurnRequest
from reports.turns import Referee

Name = TypeVar("Name")
PULSE_S = 1.0
TURNS = "TURNS"
"""Stands in a command line for the path of the referee's socket."""


class _Table(Generic[Name]):
    """Who sits at the referee's socket, and what is left unread of each."""

    def __init__(self, referee: Referee, selector: selectors.BaseSelector) -> None:
        self.referee = referee
        self._selector = selector
        self._seats: dict[socket.socket, Name] = {}
        self._unread: dict[socket.socket, bytes] = {}

    def seat(self, connection: socket.socket, player: Name) -> None:
        """Take a player's connection."""
        self._seats[connection] = player
        self._unread[connection] = b""
        self._selector.register(connection, selectors.EVENT_READ, self.hear)

    def hear(self, connection: socket.socket) -> None:
        """Read what a player asks; who hangs up, or says what is no request, leaves."""
        try:
            heard = connection.recv(4096)
            lines = (self._unread[connection] + heard).split(b"\n")
            self._unread[connection] = lines.pop()
            for line in lines:
                request = msgspec.json.decode(line, type=TurnRequest)
                self.referee.ask(self._seats[connection], request.benchmark, request.round)
        except (OSError, msgspec.DecodeError):
            heard = b""
        if not heard:
            self.rise(connection)

    def rise(self, connection: socket.socket) -> None:
        """Let a player go."""
        player = self._seats.pop(connection, None)
        if player is not None:
            self._selector.unregister(connection)
            connection.close()
            self.referee.leave(player)

    def serve(self) -> None:
        """Give out the turns that are due."""
        while (player := self.referee.next_turn()) is not None:
            found = next((each for each, name in self._seats.items() if name == player), None)
            try:
                if found is None:
                    self.referee.leave(player)
                else:
                    found.sendall(GO)
            except OSError:
                if found is not None:
                    self.rise(found)
            else:
                if found is not None:
                    return

    def close(self) -> None:
        """Hang up on everybody."""
        for connection in list(self._seats):
            self.rise(connection)


def run_together(
    commands: Mapping[Name, Sequence[str]],
    referee: Referee,
    *,
    folder: Path,
    environ: dict[str, str],
    logs: Mapping[Name, Path],
    limit_s: float,
    pulse: Pulse,
    cpu: int | None,
) -> dict[Name, Ended]:
    """Run programs side by side to their ends; they start in the given order.

    At the limit whoever holds a turn, or never asked for one, is killed, and the others go on for
    as long again.

    `TURNS` in a command is replaced by the path of a socket of the program's own, so that everybody
    is known by where he asks.
    """
    running: dict[Name, subprocess.Popen[bytes]] = {}
    ended: dict[Name, Ended] = {}
    began = time.monotonic()
    with selectors.DefaultSelector() as selector, contextlib.ExitStack() as opened:
        table: _Table[Name] = _Table(referee, selector)
        opened.callback(table.close)
        place = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="turns-")))
        try:
            for index, (name, command) in enumerate(commands.items()):
                path = place / str(index)
                _listen(selector, table, path, name, opened)
                argv = [str(path) if word == TURNS else word for word in command]
                with uninterrupted():
                    running[name] = _start(argv, folder, environ, logs[name], cpu)
                _watch(selector, running[name], opened)
            deadline = began + limit_s
            while running:
                left_s = deadline - time.monotonic()
                if left_s <= 0:
                    # Whoever waits for a turn is late through no fault of his own.
                    for name in [each for each in running if not referee.is_waiting(each)]:
                        kill_group(running[name].pid)
                        running.pop(name).wait()
                        referee.leave(name)
                        ended[name] = _ended(None, began, logs[name])
                    deadline = time.monotonic() + limit_s
                    table.serve()
                    continue
                ready = selector.select(min(PULSE_S, left_s))
                for key, _ in ready:
                    key.data(key.fileobj)
                if not ready:
                    pulse(processes.last_line(logs[next(iter(running))]))
                for name in [name for name, each in running.items() if _has_ended(each)]:
                    kill_group(running[name].pid)
                    running[name].wait()
                    referee.leave(name)
                    code = running.pop(name).returncode
                    ended[name] = _ended(code, began, logs[name])
                table.serve()
        finally:
            for process in running.values():
                kill_group(process.pid)
                process.wait()
    return ended


def _ended(code: int | None, began: float, log: Path) -> Ended:
    return Ended(exit_code=code, elapsed_s=time.monotonic() - began, tail=processes.tail(log))


def _listen(
    selector: selectors.BaseSelector,
    table: _Table[Name],
    path: Path,
    name: Name,
    opened: contextlib.ExitStack,
) -> None:
    listener = opened.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
    listener.bind(str(path))
    listener.listen(1)

    def accept(_: object) -> None:
        connection, _address = listener.accept()
        table.seat(connection, name)
        selector.unregister(listener)

    selector.register(listener, selectors.EVENT_READ, accept)


def _start(
    argv: Sequence[str], folder: Path, environ: dict[str, str], log: Path, cpu: int | None
) -> "subprocess.Popen[bytes]":
    where = "-" if cpu is None else str(cpu)
    with log.open("wb") as stream:
        return subprocess.Popen(
            [sys.executable, "-I", str(LAUNCH), where, str(os.getpid()), *argv],
            cwd=folder,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _watch(
    selector: selectors.BaseSelector,
    process: "subprocess.Popen[bytes]",
    opened: contextlib.ExitStack,
) -> None:
    """Wake the loop when a process ends, where the system can; elsewhere the pulse finds it."""
    if sys.platform == "linux":
        descriptor = os.pidfd_open(process.pid)
        opened.callback(os.close, descriptor)
        selector.register(descriptor, selectors.EVENT_READ, lambda fd: selector.unregister(fd))


def _has_ended(process: "subprocess.Popen[bytes]") -> bool:
    """Whether it has ended, without reaping it: its number still names the group to be killed."""
    if not hasattr(os, "waitid"):
        return process.poll() is not None
    options = os.WEXITED | os.WNOHANG | os.WNOWAIT
    return os.waitid(os.P_PID, process.pid, options) is not None
