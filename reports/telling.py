"""The gate's answer in words: what it was asked in part, where it is weak, and the evidence."""

from reports import ledger, terminal
from reports.laws import DRAWN_BY
from reports.policy import Policy
from reports.schema import GateRecord, LawOutcome
from reports.timing import Timing

FAILURES_SHOWN = 5
"""Failures printed in full length; the record holds all of them."""


def partly(only_law: str | None) -> str:
    return "" if only_law is None else f"partial, only the law {only_law} was asked: "


def weaknesses(
    timing: Timing | None,
    only_law: str | None,
    others_at_work: int = 0,
    *,
    drew_otherwise: bool = False,
) -> list[str]:
    found = []
    if drew_otherwise:
        found.append(
            f"{DRAWN_BY} is another one on each side, so laws that draw met other cases there; "
            "recorded schedules, walks and scenes were the same"
        )
    if others_at_work:
        found.append(
            f"{others_at_work} more at work in this checkout: machines that are shared scatter more"
        )
    if only_law is not None:
        found.append(
            f"only the law {only_law} was asked: nothing is known of the others, and behaviour was "
            "not compared"
        )
    if timing is None:
        found.append("no clocks were run: a promise that newly fails decides")
    elif timing.rows and not timing.is_pinned:
        found.append("processes were not pinned to one CPU here, so intervals are wider")
    return found


def guarantee(known: Policy) -> str:
    chance = known.time.family_error * known.time.confirmation_error
    return (
        f"one release against itself fails by its clocks with a chance of at most {chance:.4f} "
        f"a run (alarm {known.time.family_error}, confirmed on fresh epochs at "
        f"{known.time.confirmation_error}); a benchmark more than "
        f"{known.time.tolerance_percent:g} % slower passes with at most {known.time.family_error}"
    )


def show(record: GateRecord) -> None:
    """Print the evidence, then the reasons."""
    target = terminal.console()
    target.print()
    interesting = [row for row in record.laws if row.outcome is not LawOutcome.HOLDS]
    if interesting:
        target.print(terminal.law_table(interesting))
        target.print()
    failing = [row for row in record.laws if row.outcome is LawOutcome.NEW_FAILURE]
    broken = [row for row in failing if row.failure and row.accepted is None]
    for row in broken[:FAILURES_SHOWN]:
        target.print(f"{row.law}:", markup=False, style="bold")
        target.print(terminal.excerpt(row.failure or ""), markup=False, soft_wrap=True)
        target.print()
    if record.behaviour:
        target.print(terminal.behaviour_table(record.behaviour))
        target.print()
    if record.benchmarks:
        target.print(terminal.benchmark_table(record.benchmarks))
        target.print()
    notes = [*record.weaknesses, *ledger.remarks(record.ledger)]
    if broken and record.replay:
        notes.append(f"to ask a law again with this upgrade: {record.replay} --law NAME")
    if record.guarantee and record.benchmarks:
        notes.append(record.guarantee)
    terminal.print_reasons(target, record.reasons, notes)
