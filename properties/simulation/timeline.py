"""A failing run as text: one lane an actor, domain steps only, few enough to be read."""

from __future__ import annotations

import re
from collections.abc import Sequence

from properties.simulation.scenario import Trial
from properties.simulation.transcript import CallText, Event, Failure, Kind, plain

MOST_LINES = 25
_HIDDEN = frozenset({"connect", "stop", "close", "cursor"})
_TABLE = re.compile(r"\b(?:FROM|INTO|UPDATE)\s+\"?(\w+)", re.IGNORECASE)


def timeline(trial: Trial, *, most: int = MOST_LINES) -> list[str]:
    """Return at most ``most`` lines of a trial, the schedule's deviations marked with ``*``.

    The fatal step of a failure is marked with ``!``: that of the last deviation, without which a
    smallest schedule does not fail; where the polite schedule fails by itself, the last one.
    """
    steps = _steps(trial)
    names = [name for name, _ in trial.outcome.answers]
    for event, _, _ in steps:
        if event.actor and event.actor not in names:
            names.append(event.actor)
    width = max(18, min(34, 96 // max(1, len(names))))
    head = "  virtual ms  " + "".join(name.ljust(width) for name in names)
    body = [_line(event, text, names, width, mark) for event, text, mark in steps]
    verdict = _verdict(trial)
    return [head.rstrip(), *_shortened(body, max(1, most - 1 - len(verdict))), *verdict]


def _steps(trial: Trial) -> list[tuple[Event, str, str]]:
    """Return each domain step with its mark: ``*`` for a deviation, ``!`` for the fatal one."""
    marks = set(trial.run.marks)
    steps: list[tuple[Event, str, str]] = []
    is_due: set[str] = set()
    for index, event in enumerate(trial.run.transcript.events):
        if index in marks:
            is_due.add(event.actor)
        text = _step(event)
        if text is not None:
            steps.append((event, text, "*" if event.actor in is_due else " "))
            is_due.discard(event.actor)
    if trial.violation is not None and steps:
        marked = [index for index, (_, _, mark) in enumerate(steps) if mark == "*"]
        fatal = marked[-1] if marked else len(steps) - 1
        steps[fatal] = (*steps[fatal][:2], "!")
    return steps


def _shortened(body: Sequence[str], room: int) -> list[str]:
    """Leave steps out until ``room`` lines hold the rest: those farthest from a mark first."""
    marks = [index for index, line in enumerate(body) if line[0] in "*!"] or [len(body) - 1]

    def worth(index: int) -> tuple[bool, int, int]:
        ahead = min((mark - index for mark in marks if mark >= index), default=len(body))
        behind = min((index - mark for mark in marks if mark <= index), default=len(body))
        return body[index][0] != "!", min(ahead, behind), -index

    kept: list[int] = []
    for index in sorted(range(len(body)), key=worth):
        more = sorted([*kept, index])
        if len(_told(body, more)) <= room:
            kept = more
    return _told(body, kept)


def _told(body: Sequence[str], kept: Sequence[int]) -> list[str]:
    lines: list[str] = []
    before = -1
    for index in [*kept, len(body)]:
        left_out = index - before - 1
        if left_out:
            lines.append(f"              ... {left_out} step{'' if left_out == 1 else 's'}")
        if index < len(body):
            lines.append(body[index])
        before = index
    return lines


def _verdict(trial: Trial) -> list[str]:
    if trial.violation is None:
        return ["", f"the law holds: {trial.outcome}"]
    return ["", f"broken: {trial.violation}", f"outcome: {trial.outcome}"]


def _line(event: Event, text: str, names: Sequence[str], width: int, mark: str) -> str:
    lane = names.index(event.actor) if event.actor in names else 0
    return f"{mark} {event.at_s * 1000:9.3f}   {' ' * (width * lane)}{text}".rstrip()


def _step(event: Event) -> str | None:
    if event.kind is Kind.NOTE:
        if event.what == "starts":
            return None
        return f"{plain(event.what)}: {plain(event.result)}" if event.result else plain(event.what)
    if event.kind is Kind.FAULT:
        return f"!! {plain(event.what)}"
    if event.kind is Kind.CLOCK:
        return "the clock moves"
    if event.kind is Kind.LOOP_ERROR:
        return f"loop: {plain(event.what)}"
    if event.kind is not Kind.CALL or not isinstance(event.what, CallText):
        return None
    if event.actor == "main":
        return None  # opens, asks and closes; it is none of the attempts
    call = event.what
    if call.sql is None:
        is_quiet = call.operation in _HIDDEN or call.operation in {"commit", "rollback"}
        return None if is_quiet and not isinstance(event.result, Failure) else call.operation
    return _sql_step(call.sql, event.result)


def _sql_step(sql: str, result: object) -> str | None:
    words = sql.split()
    verb = words[0].upper()
    if verb == "PRAGMA" or "pragma_" in sql:
        return None
    if isinstance(result, Failure):
        told = result.code or result.type_name
    elif isinstance(result, tuple):
        told = "nothing" if not result else ", ".join(plain(cell) for cell in result[0][:2])
    else:
        told = "" if result == "cursor" else plain(result)
    if verb in {"BEGIN", "COMMIT", "ROLLBACK"}:
        return f"{' '.join(words[:2])}{f' -> {told}' if told else ''}"
    table = _TABLE.search(sql)
    return f"{verb} {table.group(1) if table else ''} -> {told}"
