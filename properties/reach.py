"""Did it happen at all? Marks that the laws must have come by, and how often they did.

A law that holds where nothing interesting happened holds little. Most marks are derived from the
code's own lists: what a caller can be told, the core's errors, the lifecycle's edges, each trouble
at each place. The rest are written by hand: places that only a certain order of events reaches.
Fault kinds by phases are not marks here: `nox -s faults` strikes them all, one by one, and is
unknown when one was not brought, in any profile.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping

from reports.schema import Verdict

HITS: Counter[str] = Counter()
"""How often each mark was hit in this process."""

BY_HAND = (
    "a checkpoint while attempts run",
    "cut off before a call",
    "cut off between a call and its result",
    "cut off after the result has landed",
    "cut off, and committed",
    "cut off, and not committed",
    "stale after a backoff",
    "success after a backoff",
    "unknown, and committed",
    "unknown, and not committed",
)

ELSEWHERE = {
    "DefinitionError": "raised before any file is touched; the core's own tests",
    "FileAlreadyTrackedError": "the core's own tests",
    "FileNotTrackedError": "the core's own tests",
    "MachineContractError": "a library that breaks its contract",
    "SchemaMismatchError": "the core's own tests",
    "StoreCorruptError": "nox -s faults",
    "StoreUnavailableError": "nox -s faults",
    "UnknownEventError": "the core's own tests",
    "UnknownStateError": "the core's own tests",
}
"""Errors of the core that these laws do not come by, and who does."""

GROUPS = ("told", "error", "edge", "trouble", "by hand")
WIDTH = 108
STRICT_PROFILE = "nightly"


def reached(mark: str) -> None:
    """Count a mark, ``GROUP: NAME``."""
    HITS[mark] += 1


def marks() -> list[str]:
    """Return every mark that a full run must come by."""
    # Late: a release that cannot be imported is told by the session, not by an import of this.
    from fsmcore.errors import FsmCoreError
    from properties.rules.troubles import TROUBLES
    from properties.subjects import FILES, AnswerKind

    return [
        *(f"told: {kind.value}" for kind in AnswerKind),
        *(f"error: {name}" for name in sorted(_leaves(FsmCoreError)) if name not in ELSEWHERE),
        *(f"edge: {event} from {state}" for state, to in FILES.edges.items() for event in to),
        *(f"trouble: {what} at {place.value}" for what, place in TROUBLES),
        *(f"by hand: {what}" for what in BY_HAND),
    ]


def _leaves(root: type[BaseException]) -> set[str]:
    """Return the names of the errors that a caller of the core's public face can meet."""
    here = root.__module__
    found = {each.__name__ for each in root.__subclasses__() if each.__module__ == here}
    for each in root.__subclasses__():
        found |= _leaves(each) if each.__module__ == here else set()
    return found


def never(due: Iterable[str], hits: Mapping[str, int] = HITS) -> list[str]:
    """Return the marks that were not hit."""
    return [mark for mark in due if not hits.get(mark)]


def judged(verdict: Verdict, profile: str, missed: Collection[str]) -> Verdict:
    """Return the verdict of a run that missed marks: a nightly one that passed has failed."""
    fails = missed and profile == STRICT_PROFILE and verdict is Verdict.PASS
    return Verdict.FAIL if fails else verdict


def histogram(due: Iterable[str], hits: Mapping[str, int] = HITS) -> list[str]:
    """Return a line for each group, the rarest first, and one for what was never reached."""
    due = list(due)
    lines = []
    for group in GROUPS:
        mine = [mark for mark in due if mark.startswith(f"{group}: ")]
        rarest = sorted(mine, key=lambda mark: (hits.get(mark, 0), mark))
        told = ", ".join(f"{mark.partition(': ')[2]} {hits.get(mark, 0):,}" for mark in rarest)
        count = sum(bool(hits.get(mark)) for mark in mine)
        line = f"  reach, {group}: {count} of {len(mine)}: {told}"
        lines.append(line if len(line) <= WIDTH else f"{line[: WIDTH - 1]}…")
    missed = never(due, hits)
    return lines + ([f"  never reached: {', '.join(missed)}"] if missed else [])
