"""A difference that nobody foresaw is told as a sentence that names its event, field or count.

The last tests patch the real libraries on the spot, in processes that write down what they do.
"""

import functools
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from reports import behaviour, policy, schema, transcripts
from reports.processes import Ended
from reports.schema import (
    BehaviourChange,
    BehaviourRecord,
    ChangeOutcome,
    Observation,
    Scene,
    Verdict,
)
from reports.tests.test_clocks_never_toss_a_coin import NOTHING_ACCEPTED

ROOT = Path(schema.__file__).resolve().parents[2]


def seen(event: str, actor: str = "", **fields: str) -> Observation:
    return Observation(event=event, fields=fields, actor=actor)


def scene(*events: Observation, name: str = "activation", **options: object) -> Scene:
    known: dict[str, object] = {"when": "on activation", "library": "planted", **options}
    return Scene(name=name, observations=list(events), **known)  # type: ignore[arg-type]  # by name


def record(*scenes: Scene) -> BehaviourRecord:
    return BehaviourRecord(
        name="behaviour", verdict=Verdict.PASS, summary="", schedules=[], scenes=list(scenes)
    )


def sentences(before: Scene, after: Scene) -> list[str]:
    return [each.sentence for each in transcripts.compare(record(before), record(after))]


CASES: dict[str, tuple[Scene, Scene, list[str]]] = {
    "nothing": (scene(seen("enter")), scene(seen("enter")), []),
    "a value": (
        scene(seen("enter", gets_source="None")),
        scene(seen("enter", gets_source="a placeholder")),
        ["on activation, `enter` now gets_source a placeholder (before: None)"],
    ),
    "a field that is new": (
        scene(seen("enter")),
        scene(seen("enter", warns="x")),
        ["on activation, `enter` now warns x (before: nothing)"],
    ),
    "a field that is gone": (
        scene(seen("enter", warns="x")),
        scene(seen("enter")),
        ["on activation, `enter` no longer warns x"],
    ),
    "an error where there was a value": (
        scene(seen("send", returns="1")),
        scene(seen("send", raises="E at the call", says="no")),
        ["on activation, `send` now raises E at the call (no) (before: returns 1)"],
    ),
    "a listing that grew": (
        scene(seen("enter", offers="event, source")),
        scene(seen("enter", offers="event, source, target")),
        ["on activation, `enter` now offers `target` too"],
    ),
    "an event that is new": (
        scene(seen("enter")),
        scene(seen("enter"), seen("leave", says="bye")),
        ["on activation, `leave` is new: says bye"],
    ),
    "events that are gone": (
        scene(seen("a"), seen("b"), seen("b")),
        scene(seen("a")),
        ["on activation, `b` is gone, 2 times"],
    ),
    "another order": (
        scene(seen("a"), seen("b"), seen("c")),
        scene(seen("b"), seen("c"), seen("a")),
        ["on activation, `a` now comes after `c` (before: first)"],
    ),
    "an order between actors, which is none": (
        scene(seen("a", "x"), seen("b", "y")),
        scene(seen("b", "y"), seen("a", "x")),
        [],
    ),
    "a listing in another order, which has none": (
        scene(seen("a"), seen("b"), is_listing=True),
        scene(seen("b"), seen("a"), is_listing=True),
        [],
    ),
    "a count": (
        scene(counts={"hops": 4}, details={"x.py: f": 4}),
        scene(counts={"hops": 10}, details={"x.py: f": 4, "y.py: g": 6}),
        [
            "on activation, 10 hops where there were 4, 2.50 times as many (most of it in y.py +6)",
        ],
    ),
    "a scene that cannot be played": (
        scene(seen("a")),
        scene(problem="ImportError: no"),
        ["on activation: what was played before cannot be played any more: ImportError: no"],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_each_difference_has_its_sentence(case: str) -> None:
    """One sentence for one difference, and none where nothing differs."""
    before, after, expected = CASES[case]
    assert expected == sentences(before, after)


def test_one_difference_in_many_scenes_is_told_once() -> None:
    """It names the first scene and how many more."""
    before = record(scene(seen("a", is_="1")), scene(seen("a", is_="1"), name="other"))
    after = record(scene(seen("a", is_="2")), scene(seen("a", is_="2"), name="other"))
    (change,) = transcripts.compare(before, after)
    assert "on activation, `a` now is_ 2 (before: 1) (and in 1 more scenes)" == change.sentence
    assert ("activation/a is_", 2) == (change.name, change.places)
    assert ["activation/a is_", "other/a is_"] == change.names


def test_a_scene_that_only_one_side_reports_is_a_change() -> None:
    """Not to be there is no way to look the same."""
    for before, after in ((record(scene()), record()), (record(), record(scene()))):
        assert ["unplayed"] == [each.kind for each in transcripts.compare(before, after)]


def test_a_scene_that_neither_side_can_play_is_unknown() -> None:
    """Silence on both sides is no agreement."""
    before, after = (record(scene(problem=why), scene(name="b")) for why in ("no x", "a loss"))
    assert [] == transcripts.compare(before, after)
    (reason,) = behaviour._unseen(before, after)
    assert Verdict.UNKNOWN is reason.verdict
    assert "activation can be played with neither: no x (baseline), a loss" in reason.text
    assert [] == behaviour._unseen(before, record(scene(), scene(name="b")))


def test_only_policy_and_ledger_let_a_change_pass() -> None:
    """A kind of the policy is allowed; any other change is unknown, never a pass."""
    changes = transcripts.compare(
        record(scene(seen("a", says="1", returns="1"))),
        record(scene(seen("a", says="2", returns="2"))),
    )
    weighed = behaviour.weigh(changes, policy.load().behaviour, NOTHING_ACCEPTED)
    assert [("returns", ChangeOutcome.CHANGED), ("says", ChangeOutcome.ALLOWED)] == [
        (each.kind, each.outcome) for each in weighed
    ]
    reasons = behaviour.reasons_of(weighed, "1 scene")
    assert {Verdict.UNKNOWN, Verdict.PASS} == {each.verdict for each in reasons}
    assert [Verdict.PASS] == [each.verdict for each in behaviour.reasons_of([], "1 scene")]


def test_a_side_that_wrote_nothing_down_is_unknown(tmp_path: Path) -> None:
    """No record, a hang, an exit code beside a record: each is told, none is believed."""
    out = tmp_path / "behaviour.json"
    ended = Ended(exit_code=1, elapsed_s=1.0, tail="ImportError: no such thing")
    assert "wrote nothing down (no such file): ImportError" in str(behaviour._read(out, ended))
    schema.write(out, record())
    assert "ended with exit code 1" in str(behaviour._read(out, ended))
    hung = Ended(exit_code=None, elapsed_s=30.0, tail="")
    assert "was killed after 30 s" == behaviour._read(out, hung)


def test_the_calls_of_a_slower_benchmark_are_found() -> None:
    """Its own count explains it; a benchmark made of several is explained by all of them."""

    def calls(name: str, count: int) -> Scene:
        return scene(name=name, when=f"in {name}", counts={"Python calls": count})

    names = ("bare_machine", "aiosqlite_transaction", "plain_machine")
    changes = transcripts.compare(
        record(*(calls(name, 100) for name in names)),
        record(calls(names[0], 250), calls(names[1], 100), calls(names[2], 300)),
    )
    told = "in bare_machine, 250 Python calls where there were 100, 2.50 times as many"
    assert told == transcripts.calls_of(changes, "bare_machine")
    assert told == transcripts.calls_of(changes, "manager")
    assert transcripts.calls_of(changes, "aiosqlite_transaction") is None


PATCHES: dict[str, tuple[str, list[str]]] = {
    "nothing": ("", []),
    "an extra statement before each commit": (
        (
            "import aiosqlite\n"
            "commit = aiosqlite.Connection.commit\n"
            "async def slow(self):\n"
            "    await self.execute('SELECT 1')\n"
            "    await commit(self)\n"
            "aiosqlite.Connection.commit = slow\n"
        ),
        ["in a transaction, 2 hops of commit where there were 1"],
    ),
    "a result that is a list no more": (
        (
            "import aiosqlite\n"
            "fetch = aiosqlite.Cursor.fetchall\n"
            "async def tuples(self):\n"
            "    return tuple(await fetch(self))\n"
            "aiosqlite.Cursor.fetchall = tuples\n"
        ),
        ["in a transaction, `fetchall` now returns () (before: [])"],
    ),
    "an event that is swallowed": (
        (
            "import statemachine\n"
            "send = statemachine.StateMachine.send\n"
            "async def quiet(self, event, *arguments, **options):\n"
            "    try:\n"
            "        return await send(self, event, *arguments, **options)\n"
            "    except statemachine.exceptions.TransitionNotAllowed:\n"
            "        return None\n"
            "statemachine.StateMachine.send = quiet\n"
        ),
        ["on an event without an edge, `send` now returns None (before: raises TransitionNot"],
    ),
    "a name that is gone": (
        "import statemachine\ndel statemachine.StateMachine.bind_events_to\n",
        ["by its public names, `StateMachine.bind_events_to` is gone"],
    ),
    "an aiosqlite of another taste": (
        (
            "import aiosqlite\n"
            "execute = aiosqlite.Connection._execute\n"
            "close = aiosqlite.Connection.close\n"
            "fetch = aiosqlite.Cursor.fetchone\n"
            "async def wrapped(self, function, *arguments, **options):\n"
            "    try:\n"
            "        return await execute(self, function, *arguments, **options)\n"
            "    except aiosqlite.OperationalError as error:\n"
            "        raise RuntimeError('the database said no') from error\n"
            "async def once(self):\n"
            "    if self._connection is None:\n"
            "        raise ValueError('closed already')\n"
            "    await close(self)\n"
            "async def numbered(self):\n"
            "    return dict(enumerate(await fetch(self) or ()))\n"
            "aiosqlite.Connection._execute = wrapped\n"
            "aiosqlite.Connection.close = once\n"
            "aiosqlite.Cursor.fetchone = numbered\n"
        ),
        [
            "`execute without a table` now raises RuntimeError when awaited (before: Operational",
            "`execute without a table` no longer gives the code SQLITE_ERROR",
            "on a closed connection, `close again` now raises ValueError when awaited",
            "in a transaction, `fetchone` now returns {0: 'a', 1: 'b'} (before: ('a', 'b'))",
        ],
    ),
    "machines that give less, warn and work more": (
        (
            "import warnings, statemachine\n"
            "from statemachine import event_data\n"
            "offered = event_data.EventData.extended_kwargs\n"
            "make = statemachine.StateMachine.__init__\n"
            "def less(self):\n"
            "    kept = dict(offered.fget(self))\n"
            "    kept.pop('source', None)\n"
            "    return kept | {'weather': 'fine'}\n"
            "def warn(self, *arguments, **options):\n"
            "    warnings.warn('machines are out of fashion', FutureWarning, stacklevel=2)\n"
            "    [(lambda: 0)() for _ in range(500)]\n"
            "    make(self, *arguments, **options)\n"
            "event_data.EventData.extended_kwargs = property(less)\n"
            "statemachine.StateMachine.__init__ = warn\n"
        ),
        [
            "on activation, `on_enter_state` no longer gets source a state without a value",
            "now is offered `weather` too and no longer is offered `source`",
            "`the warning FutureWarning` is new: says machines are out of fashion",
            "in a transition of a machine with one async callback, 99",
        ],
    ),
    "callbacks in another order, and a sender that waits for ever": (
        (
            "import asyncio, statemachine\n"
            "from statemachine import callbacks\n"
            "calls = callbacks.CallbacksExecutor.__iter__\n"
            "send = statemachine.StateMachine.send\n"
            "def hang(self, event, *arguments, **options):\n"
            "    if event == 'explode':\n"
            "        return asyncio.get_running_loop().create_future()\n"
            "    return send(self, event, *arguments, **options)\n"
            "callbacks.CallbacksExecutor.__iter__ = lambda self: iter(list(calls(self))[::-1])\n"
            "statemachine.StateMachine.send = hang\n"
        ),
        [
            "on an event that has an edge, `on_EVENT` now comes after `on_exit_state` (before:",
            "`send` now returns [None, 'a result', None] (before: [None, None, 'a result'])",
            "on an event that no state knows, `somebody waits for ever` is new",
        ],
    ),
    "machines that cannot be activated": (
        "import statemachine\ndel statemachine.StateMachine.activate_initial_state\n",
        [
            "on activation, `activate_initial_state` now raises AttributeError at the call",
            "what was played before cannot be played any more: AttributeError: 'Door' object",
        ],
    ),
}
RECORD = (
    "import sys\nfrom properties.behaviour.__main__ import main\nsys.exit(main(sys.argv[1:]))\n"
)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], BehaviourRecord]:
    """Write down what the libraries of this environment do, after a patch."""
    folder = tmp_path_factory.mktemp("behaviour")
    first = folder / "first.json"

    @functools.cache
    def write(patch: str) -> BehaviourRecord:
        out = folder / "again.json" if first.exists() else first
        given = ["--schedules", str(first)] if first.exists() else []
        argv = [sys.executable, "-c", patch + RECORD, "--record", str(out), *given]
        subprocess.run(argv, cwd=ROOT, check=True, env={"PYTHONHASHSEED": "1"})
        return schema.read(out, BehaviourRecord)

    write("# the first, whose schedules the others replay\n")
    return write


@pytest.mark.parametrize("case", PATCHES)
def test_a_library_that_was_patched_on_the_spot_is_found_out(
    case: str, written: Callable[[str], BehaviourRecord]
) -> None:
    """What nobody foresaw is told; the same libraries twice are told to do the same."""
    patch, expected = PATCHES[case]
    changes = transcripts.compare(written(""), written(patch))
    told = "\n".join(each.sentence for each in changes)
    for sentence in expected:
        assert sentence in told
    if not expected:
        assert [] == changes
    assert all(_is_explained(each) for each in changes)


def _is_explained(change: BehaviourChange) -> bool:
    return change.source.count(", ") >= 2 and bool(change.sentence) and "0x" not in change.sentence
