"""What must hold after a run, said of its outcome alone."""

from __future__ import annotations

from properties.simulation.scenario import Law, Outcome


def every_ok_counts(outcome: Outcome) -> str | None:
    """As many increments are in the row as attempts were told ok; who was cut off may count."""
    if not outcome.rows:
        return "the row is gone"
    value = outcome.rows[0][0]
    ok_count = sum(answer.startswith("ok") for _, answer in outcome.answers)
    unknown_count = sum(answer.startswith("Cancelled") for _, answer in outcome.answers)
    if not isinstance(value, int) or not ok_count <= value <= ok_count + unknown_count:
        return f"{ok_count} attempts were told ok, and the value is {value}"
    return None


def every_ok_word_counts(outcome: Outcome) -> str | None:
    """As many increments are in the row as attempts, which may make several, were told ok."""
    told = sum(answer.split().count("ok") for _, answer in outcome.answers)
    value = outcome.rows[0][0]
    return None if value == told else f"{told} increments were told ok, and the value is {value}"


def nothing_is_left_behind(outcome: Outcome) -> str | None:
    """Nobody waits for ever, no lock is held, no worker outlives its owner."""
    if outcome.stuck:
        return "somebody waits for ever"
    if outcome.lock_is_held:
        return "the write lock is held after everybody has ended"
    if outcome.leak_count:
        return f"{outcome.leak_count} workers were left running"
    return None


def all_of(*laws: Law) -> Law:
    """Return the law that says them all."""

    def law(outcome: Outcome) -> str | None:
        return next((broken for each in laws if (broken := each(outcome)) is not None), None)

    return law


def one_winner_a_version(outcome: Outcome) -> str | None:
    """The journal counts up by one, the row stands at its end, and every ok is in it."""
    row, journal = outcome.rows[0], outcome.rows[1:]
    versions = [entry[2] for entry in journal]
    if versions != list(range(1, len(journal) + 1)):
        return f"the journal's versions are {versions}"
    if row[2] != len(journal):
        return f"the row is at version {row[2]} with {len(journal)} entries in the journal"
    told = sorted(name for name, answer in outcome.answers if answer.startswith("ok"))
    written = sorted(str(entry[0]) for entry in journal)
    missing = sorted(set(told) - set(written))
    if missing:
        return f"told ok and not in the journal: {', '.join(missing)}"
    refused = {
        name
        for name, answer in outcome.answers
        if not answer.startswith("ok")
        and answer.split(",")[0] not in {"CancelledError", "OutcomeUnknownError"}
    }
    if refused & set(written):
        return f"told that nothing was written, and written: {sorted(refused & set(written))}"
    return None


_TOLD_BY_RECORD = {"success": {"committed"}, "unknown": {"committed", "not committed"}}


def every_caller_can_know(outcome: Outcome) -> str | None:
    """The record of an attempt and the answer of ``outcome_of`` agree with the journal."""
    written = {str(entry[0]) for entry in outcome.rows[1:]}
    for name, answer in outcome.answers:
        if ", recorded " not in answer:
            continue  # cut off while asking
        told, recorded, found = answer.split(", ")
        fate = "committed" if name in written else "not committed"
        if found != f"found {fate}":
            return f"{name} is {fate}, and outcome_of says {found!r}"
        kind = recorded.removeprefix("recorded ")
        if told.startswith("Cancelled") and kind == "nothing":
            continue  # cut off before the attempt began
        if fate not in _TOLD_BY_RECORD.get(kind, {"not committed"}):
            return f"{name} is {fate}, and its record says {kind!r}"
        if "+" in kind or kind == "nothing":
            return f"{name} has not one record but {kind!r}"
    return None


def what_was_found_is_true(outcome: Outcome) -> str | None:
    """Who asks for his outcome is told what the journal holds, or that nobody can know."""
    written = {str(entry[0]) for entry in outcome.rows[1:]}
    for name, answer in outcome.answers:
        _, asked, found = answer.partition(", found ")
        if asked and found not in {"unknown", "committed" if name in written else "not committed"}:
            return f"{name} was told {found!r}, and the journal holds {sorted(written)}"
    return None
