"""The gate's answer in words: what it was asked in part, and where it is weak."""

from reports.policy import Policy
from reports.timing import Timing


def partly(only_law: str | None, subject: str | None = None) -> str:
    of = "" if subject is None else f"of {subject} alone: "
    return of if only_law is None else f"{of}partial, only the law {only_law} was asked: "


def weaknesses(
    timing: Timing | None,
    only_law: str | None,
    others_at_work: int = 0,
    *,
    subject: str | None = None,
) -> list[str]:
    found = []
    if others_at_work:
        found.append(
            f"{others_at_work} more at work in this checkout: machines that are shared scatter more"
        )
    if only_law is not None:
        found.append(
            f"only the law {only_law} was asked: nothing is known of the others, behaviour was not "
            "compared, and no clocks were run"
        )
    if subject is not None:
        found.append(
            f"only {subject} was asked: what the libraries promise, do and take was not compared"
        )
    elif timing is None and only_law is None:
        found.append("no clocks were run: a promise that newly fails decides")
    if timing is not None and timing.rows and not timing.is_pinned:
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
