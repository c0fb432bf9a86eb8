"""One process runs at a time, round by round; who goes first is drawn; nobody waits for ever."""

import itertools
import random
import sys
from pathlib import Path

import pytest

from reports import together
from reports.processes import Ended, clean_environ
from reports.turns import Referee


def rounds_of(referee: Referee, count: int) -> list[str]:
    """Let two players take their rounds; returns who ran, in order."""
    ran: list[str] = []
    number = dict.fromkeys("ab", 0)
    for player in "ab":
        referee.ask(player, "work", 0)
    while (turn := referee.next_turn()) is not None:
        ran.append(str(turn))
        number[str(turn)] += 1
        if number[str(turn)] < count:
            referee.ask(turn, "work", number[str(turn)])
        else:
            referee.leave(turn)
    return ran


def test_both_run_each_round_in_a_drawn_order() -> None:
    """Each pair of turns holds both, and both orders come up."""
    ran = rounds_of(Referee("ab", random.Random(1)), 40)
    pairs = ["".join(ran[each : each + 2]) for each in range(0, len(ran), 2)]
    assert 40 == len(pairs)
    assert {"ab", "ba"} == set(pairs)
    assert 10 <= pairs.count("ab") <= 30


def test_nobody_runs_while_another_does_or_has_not_come() -> None:
    """A turn ends when its player asks again or leaves."""
    referee = Referee("ab", random.Random(2))
    referee.ask("a", "work", 0)
    assert referee.next_turn() is None
    referee.ask("b", "work", 0)
    first = referee.next_turn()
    assert first in {"a", "b"}
    assert referee.next_turn() is None
    referee.leave(first)
    assert {"a", "b"} - {first} == {referee.next_turn()}


def test_who_left_is_not_waited_for() -> None:
    """The other one goes on alone; when all have left, nobody runs."""
    referee = Referee("ab", random.Random(3))
    referee.ask("a", "work", 0)
    referee.leave("b")
    assert "a" == referee.next_turn()
    referee.leave("a")
    assert referee.next_turn() is None


def test_a_benchmark_that_one_lacks_is_run_before_both_go_on() -> None:
    """So the rounds of what both have stay neighbours."""
    referee = Referee("ab", random.Random(4))
    referee.ask("a", "extra", 0)
    referee.ask("b", "shared", 0)
    assert "a" == referee.next_turn()
    referee.ask("a", "extra", 1)
    assert "a" == referee.next_turn()
    referee.ask("a", "shared", 0)
    assert {referee.next_turn()} <= {"a", "b"}


PLAYER = """
import json, socket, sys, time
path, name, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
turns = socket.socket(socket.AF_UNIX)
turns.connect(path)
for number in range(count):
    turns.sendall(json.dumps({"benchmark": "work", "round": number}).encode() + b"\\n")
    if turns.recv(3) != b"go\\n":
        sys.exit(7)
    began = time.monotonic()
    sum(range(20000))
    print(began, time.monotonic(), flush=True)
"""


def run(tmp_path: Path, limit_s: float = 30.0, **scripts: str) -> dict[str, Ended]:
    names = list(scripts)
    return together.run_together(
        {name: [sys.executable, "-c", scripts[name], together.TURNS, name, "25"] for name in names},
        Referee(names, random.Random(5)),
        folder=tmp_path,
        environ=clean_environ(),
        logs={name: tmp_path / f"{name}.log" for name in names},
        limit_s=limit_s,
        pulse=lambda _: None,
        cpu=None,
    )


def test_real_processes_never_run_at_the_same_time(tmp_path: Path) -> None:
    """Each of 75 rounds ends before another one begins."""
    ended = run(tmp_path, a=PLAYER, b=PLAYER, c=PLAYER)
    assert {0} == {each.exit_code for each in ended.values()}
    spans = sorted(
        tuple(map(float, line.split()))
        for name in "abc"
        for line in (tmp_path / f"{name}.log").read_text().splitlines()
    )
    assert 75 == len(spans)
    for (_, end), (begin, _) in itertools.pairwise(spans):
        assert end <= begin


@pytest.mark.parametrize(
    ("other", "code"),
    [
        ("raise SystemExit(3)", 3),
        ("import os, socket, sys; s = socket.socket(1); s.connect(sys.argv[1]); os._exit(4)", 4),
        (
            (
                "import socket, sys; s = socket.socket(1); s.connect(sys.argv[1])\n"
                "s.sendall(b'nonsense\\n'); sys.exit(5 if s.recv(1) == b'' else 6)"
            ),
            5,
        ),
    ],
)
def test_who_dies_or_talks_nonsense_stops_nobody(tmp_path: Path, other: str, code: int) -> None:
    """The others take all their rounds."""
    ended = run(tmp_path, a=PLAYER, b=other)
    assert {"a": 0, "b": code} == {name: each.exit_code for name, each in ended.items()}
    assert 25 == len((tmp_path / "a.log").read_text().splitlines())


def test_who_hangs_is_killed_and_who_waits_goes_on(tmp_path: Path) -> None:
    """At the limit, whether he never came or holds his turn; the third takes all his rounds."""
    holds = PLAYER.replace("sum(range(20000))", "time.sleep(600)")
    ended = run(tmp_path, limit_s=2.0, a=PLAYER, b="import time; time.sleep(600)", c=holds)
    assert {"a": 0, "b": None, "c": None} == {n: each.exit_code for n, each in ended.items()}
