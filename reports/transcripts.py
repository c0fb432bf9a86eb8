"""What two releases do otherwise, scene by scene, as sentences a maintainer would write.

Nothing here knows a library: scenes come as lists of events with named fields, and whatever
differs is said in the words of the scene ("on activation"), the event (`on_enter_state`) and the
field, whose name is a verb ("gets source"). So a difference that nobody foresaw is told like any
other.

- Events of one actor are aligned by their names (the longest common subsequence of `difflib`);
  actors have no order between them. An event that only changed its place is said to have moved.
- Counts are exact and compared by equality.
- The same difference in several scenes is one change; it names the first scene and how many.
"""

import difflib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from reports.schema import BehaviourChange, BehaviourRecord, ChangeOutcome, Observation, Scene

LISTED_MOST = 4
SHOWN_LENGTH = 120
NOTHING = "nothing"
WORD = re.compile(r"[A-Za-z_][\w.]*")
CALLS = "Python calls"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One difference in one scene. `kind` is what a policy can speak about.

    `about` is the event or count, `key` what makes it the same difference in another scene.
    """

    scene: Scene
    kind: str
    about: str
    sentence: str
    before: str | None = None
    after: str | None = None
    ratio: float | None = None

    @property
    def key(self) -> tuple[object, ...]:
        """Equal for the same difference in another scene."""
        if self.kind == "unplayed":
            return (self.kind, self.scene.library)
        return (self.kind, self.about, self.before, self.after)

    @property
    def name(self) -> str:
        """What the ledger calls it: scene and event, and the field where there is one."""
        return f"{_short(self.scene)}/{self.about}" + (f" {self.kind}" if self.kind else "")


def compare(before: BehaviourRecord, after: BehaviourRecord) -> list[BehaviourChange]:
    """Every change between two records, in the order of the scenes, each told once."""
    known = {scene.name: scene for scene in after.scenes}
    found: dict[tuple[object, ...], list[Difference]] = {}
    for scene in before.scenes:
        for each in _differences(scene, known.pop(scene.name, None)):
            found.setdefault(each.key, []).append(each)
    for scene in known.values():
        each = Difference(
            scene=scene, kind="unplayed", about="scene", sentence=f"{scene.name} is new"
        )
        found.setdefault(each.key, []).append(each)
    return [_told(each) for each in found.values()]


def _told(places: Sequence[Difference]) -> BehaviourChange:
    first = places[0]
    more = f" (and in {len(places) - 1} more scenes)" if len(places) > 1 else ""
    return BehaviourChange(
        name=first.name,
        kind=first.kind,
        sentence=first.sentence + more,
        source=f"{first.scene.library}, {first.scene.name}, {first.about}",
        outcome=ChangeOutcome.CHANGED,
        before=first.before,
        after=first.after,
        ratio=first.ratio,
        places=len(places),
        names=list(dict.fromkeys(each.name for each in places)),
    )


def _differences(before: Scene, after: Scene | None) -> Iterator[Difference]:
    if after is None or (after.problem is not None and before.problem is None):
        why = "nobody reported it" if after is None else after.problem
        yield Difference(
            scene=before,
            kind="unplayed",
            about="scene",
            sentence=f"{before.when}: what was played before cannot be played any more: {why}",
            after=why,
        )
        return
    if before.problem is not None:
        if after.problem is None:
            words = f"{before.when}: can be played, which it could not before ({before.problem})"
            yield Difference(scene=before, kind="unplayed", about="scene", sentence=words)
        return
    for actor in dict.fromkeys(each.actor for each in (*before.observations, *after.observations)):
        yield from _of_one_actor(
            before,
            [each for each in before.observations if each.actor == actor],
            [each for each in after.observations if each.actor == actor],
        )
    yield from _counts(before, after)


def _of_one_actor(
    scene: Scene, before: Sequence[Observation], after: Sequence[Observation]
) -> Iterator[Difference]:
    names = [each.event for each in before], [each.event for each in after]
    gone: list[int] = []
    new: list[int] = []
    for tag, i1, i2, j1, j2 in difflib.SequenceMatcher(None, *names, autojunk=False).get_opcodes():
        if tag == "equal":
            for one, other in zip(before[i1:i2], after[j1:j2], strict=True):
                yield from _fields(scene, one, other)
        else:
            gone += range(i1, i2)
            new += range(j1, j2)
    for left in list(gone):
        right = next((each for each in new if after[each].event == before[left].event), None)
        if right is not None:
            gone.remove(left)
            new.remove(right)
            if not scene.is_listing:
                yield _moved(scene, before, left, after, right)
            yield from _fields(scene, before[left], after[right])
    what = " name" if scene.is_listing else ""
    yield from _appeared(scene, f"gone{what}", [before[each] for each in gone])
    yield from _appeared(scene, f"new{what}", [after[each] for each in new])


def _moved(
    scene: Scene, before: Sequence[Observation], left: int, after: Sequence[Observation], right: int
) -> Difference:
    event = before[left].event
    was, now = _neighbour(before, left), _neighbour(after, right)
    whose = f" of {before[left].actor}" if before[left].actor else ""
    return Difference(
        scene=scene,
        kind="order",
        about=event,
        sentence=f"{scene.when}, `{event}`{whose} now comes {now} (before: {was})",
        before=was,
        after=now,
    )


def _neighbour(events: Sequence[Observation], index: int) -> str:
    return f"after `{events[index - 1].event}`" if index else "first"


def _appeared(scene: Scene, kind: str, events: Sequence[Observation]) -> Iterator[Difference]:
    """Events that only one side has; many of one scene are one difference."""
    is_gone = kind.startswith("gone")
    counted = Counter(each.event for each in events)
    if len(counted) > LISTED_MOST:
        names = ", ".join(counted)
        yield Difference(
            scene=scene,
            kind=kind,
            about=f"{len(counted)} events",
            sentence=f"{scene.when}, {_listed(list(counted))} are {'gone' if is_gone else 'new'}",
            before=names if is_gone else None,
            after=None if is_gone else names,
        )
        return
    for event, times in counted.items():
        shown = next(each for each in events if each.event == event)
        how = f", {times} times" if times > 1 else ""
        word = "is gone" if is_gone else "is new"
        fields = _flat(shown.fields)
        yield Difference(
            scene=scene,
            kind=kind,
            about=event,
            sentence=f"{scene.when}, `{event}` {word}{how}"
            + (f": {_cut(fields)}" if fields else ""),
            before=fields if is_gone else None,
            after=None if is_gone else fields,
        )


def _fields(scene: Scene, before: Observation, after: Observation) -> Iterator[Difference]:
    old, new = dict(before.fields), dict(after.fields)
    # That it raises where it returned is one change, not two, and neither is what it says then.
    if ("raises" in old) != ("raises" in new):
        was, now = _coming(old), _coming(new)
        yield Difference(
            scene=scene,
            kind="raises",
            about=before.event,
            sentence=f"{scene.when}, `{before.event}` now {now} (before: {was})",
            before=was,
            after=now,
        )
        for name in ("raises", "returns", "says", "raises with", "gives the code"):
            old.pop(name, None)
            new.pop(name, None)
    for field in dict.fromkeys([*old, *new]):
        was_text, now_text = old.get(field), new.get(field)
        if was_text != now_text:
            more = " more" if _is_more(was_text, now_text) else ""
            yield Difference(
                scene=scene,
                kind=field + more,
                about=before.event,
                sentence=f"{scene.when}, `{before.event}` {_changed(field, was_text, now_text)}",
                before=was_text,
                after=now_text,
            )


def _words(text: str | None) -> list[str] | None:
    """The members of a listing (`event, source, state`); None where the text is none."""
    words = (text or "").split(", ")
    return words if all(WORD.fullmatch(each) for each in words) else None


def _is_more(before: str | None, after: str | None) -> bool:
    old, new = _words(before), _words(after)
    return old is not None and new is not None and set(old) < set(new)


def _coming(fields: Mapping[str, str]) -> str:
    """What came of a call, in words."""
    if "raises" in fields:
        says = f" ({_cut(fields['says'])})" if fields.get("says") else ""
        return f"raises {fields['raises']}{says}"
    return f"returns {_cut(fields.get('returns', NOTHING))}"


def _changed(field: str, before: str | None, after: str | None) -> str:
    if before is None:
        return f"now {field} {_cut(after or NOTHING)} (before: {NOTHING})"
    if after is None:
        return f"no longer {field} {_cut(before)}"
    old, new = _words(before), _words(after)
    if old is not None and new is not None and set(old) & set(new):
        added = [each for each in new if each not in old]
        dropped = [each for each in old if each not in new]
        parts = [f"now {field} {_listed(added)} too"] if added else []
        parts += [f"no longer {field} {_listed(dropped)}"] if dropped else []
        if parts:
            return " and ".join(parts)
    return f"now {field} {_cut(after)} (before: {_cut(before)})"


def _counts(before: Scene, after: Scene) -> Iterator[Difference]:
    for name in dict.fromkeys([*before.counts, *after.counts]):
        was, now = before.counts.get(name, 0), after.counts.get(name, 0)
        if was != now:
            ratio = now / was if was else None
            times = f", {ratio:.2f} times as many" if ratio is not None else ""
            yield Difference(
                scene=before,
                kind=name if now > was else "fewer",
                about="count" if now > was else name,
                sentence=f"{before.when}, {now:,} {name} where there were {was:,}{times}"
                + _mostly(before, after),
                before=str(was),
                after=str(now),
                ratio=ratio,
            )


def _mostly(before: Scene, after: Scene) -> str:
    """Where a count grew most, by the file that the details name before their colon."""
    grown: Counter[str] = Counter()
    for sign, details in ((1, after.details), (-1, before.details)):
        for name, count in details.items():
            grown[name.partition(": ")[0]] += sign * count
    most = [f"{name} {count:+d}" for name, count in grown.most_common(3) if count > 0]
    return f" (most of it in {', '.join(most)})" if most else ""


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(f"`{each}`" for each in names[:LISTED_MOST])
    more = len(names) - LISTED_MOST
    return f"{shown} and {more} more" if more > 0 else shown


def _flat(fields: Mapping[str, str]) -> str:
    return "; ".join(f"{name} {value}" for name, value in fields.items())


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN_LENGTH else f"{text[: SHOWN_LENGTH - 1]}…"


def _short(scene: Scene) -> str:
    """A scene's name without the choices of its schedule: those change with every seed."""
    return scene.name.removeprefix("schedule ").partition("@")[0].partition("/")[0]


def calls_of(changes: Iterable[BehaviourChange], benchmark: str) -> str | None:
    """The exact count that explains a slower benchmark, if there is one that grew."""
    grown = [each for each in changes if each.kind == CALLS]
    own = [each for each in grown if each.name.startswith(f"{benchmark}/")]
    # A benchmark without a count of its own is made of all of them.
    counted = {"bare_machine", "aiosqlite_transaction"}
    chosen = own if benchmark in counted else [e for e in grown if _scene_of(e) in counted]
    return "; ".join(each.sentence for each in chosen) or None


def _scene_of(change: BehaviourChange) -> str:
    return change.name.partition("/")[0]
