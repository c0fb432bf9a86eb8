"""``python -m properties.history.crosscheck``: four judges, many histories, no disagreement.

The interval checker, our own Wing-Gong-Lowe search, every order tried (small ones), and
`detangle.lin`, which is not ours. Histories that were acted out are legal whatever the judges say.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import functools
import importlib.util
import multiprocessing
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from properties.environment import environment
from properties.history.checker import check
from properties.history.generate import drawn
from properties.history.permutations import OPERATION_LIMIT, try_all
from properties.history.records import History, Initial, Record
from properties.history.search import search
from properties.history.verdicts import Finding, picture
from properties.session import CannotJudgeError, UsageError, finish, parser, run
from reports.schema import SessionRecord, Verdict

CHUNK = 500
PROGRESS_EVERY_S = 2.0

Opinions = dict[str, bool | None]
"""Judge -> legal, illegal, or None for unknown. A judge that was not asked is absent."""


@dataclass(slots=True)
class Tally:
    """What came of some histories."""

    counts: Counter[str] = field(default_factory=Counter)
    disagreements: list[str] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        """Take another one in."""
        self.counts += other.counts
        self.disagreements += other.disagreements


def _of_all_keys(
    history: History, judge: Callable[[Sequence[Record], Initial], bool | None]
) -> bool | None:
    found = [judge(records, history.initial[key]) for key, records in history.by_key().items()]
    return False if False in found else None if None in found else True


def opinions(history: History, kind: str) -> Opinions:
    """Ask every judge that can be asked."""
    from properties.history.outside import ask_detangle  # late: only one environment has it

    finding = check(history).finding
    told: Opinions = {
        "intervals": None if finding is Finding.UNKNOWN else finding is Finding.OK,
        "search": _of_all_keys(history, search),
        "detangle": _of_all_keys(history, ask_detangle),
    }
    sizes = [sum(each.says_something for each in records) for records in history.by_key().values()]
    if max(sizes, default=0) <= OPERATION_LIMIT:
        told["permutations"] = _of_all_keys(history, try_all)
    if kind == "legal":
        told["construction"] = True
    return told


def disagree(told: Opinions) -> bool:
    """Whether one says legal and another one illegal."""
    return len(set(told.values()) - {None}) > 1


def smallest(history: History, still: Callable[[History], bool]) -> History:
    """Return a history of which no operation can be left out without losing ``still``."""
    for record in history.records:
        rest = tuple(each for each in history.records if each is not record)
        fewer = dataclasses.replace(history, records=rest)
        if still(fewer):
            return smallest(fewer, still)
    return history


def told_of(seed: int, index: int, history: History, kind: str) -> str:
    """Return a disagreement for a reader: the smallest history that shows it."""
    # A part of a history that was acted out need not be legal: a read without its write is not.
    is_about_construction = not disagree(opinions(history, ""))
    if not is_about_construction:
        history = smallest(history, lambda each: disagree(opinions(each, "")))
    words = {True: "legal", False: "illegal", None: "unknown"}
    told = opinions(history, kind if is_about_construction else "")
    verdicts = ", ".join(f"{judge} says {words[legal]}" for judge, legal in told.items())
    begun = ", ".join(
        f"{key} at version {held.version}, {held.value!r}" for key, held in history.initial.items()
    )
    shown = picture(history.records, history.records)
    again = f"python -m properties.history.crosscheck --seed {seed} --only {index}"
    return f"{verdicts}\n{begun}\n{shown}\nAgain: {again}"


def compared(seed: int, indices: range) -> Tally:
    """Draw these histories and ask about each."""
    tally = Tally()
    for index in indices:
        kind, history = drawn(seed, index)
        told = opinions(history, kind)
        tally.counts["histories"] += 1
        tally.counts["operations"] += len(history.records)
        tally.counts[kind] += 1
        legal = told["intervals"]
        tally.counts["unknown" if legal is None else "ok" if legal else "illegal"] += 1
        for judge, opinion in told.items():
            tally.counts[f"asked {judge}"] += 1
            tally.counts[f"unknown to {judge}"] += opinion is None
        if disagree(told):
            tally.disagreements.append(told_of(seed, index, history, kind))
    return tally


def _chunks(count: int) -> list[range]:
    return [range(first, min(first + CHUNK, count)) for first in range(0, count, CHUNK)]


def run_all(seed: int, chunks: Sequence[range], process_count: int) -> Iterator[Tally]:
    """Yield the tally of each chunk in order."""
    one = functools.partial(compared, seed)
    if process_count == 1:
        yield from map(one, chunks)
        return
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(process_count, mp_context=context) as pool:
        yield from pool.map(one, chunks)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    asked = parser("crosscheck", "Compare four judges of linearizability on drawn histories.")
    asked.add_argument("--histories", type=int, default=100_000, metavar="N", help="how many")
    asked.add_argument("--seed", type=int, default=1, help="draw the same ones again")
    asked.add_argument("--only", type=int, metavar="INDEX", help="only this one of the seed")
    asked.add_argument(
        "--processes", type=int, default=min(2, os.cpu_count() or 1), help="default: two"
    )
    options = asked.parse_args(arguments)
    if options.histories < 1 or options.processes < 1:
        raise UsageError("--histories and --processes must be at least 1.")
    if importlib.util.find_spec("detangle") is None:
        raise CannotJudgeError("detangle is not installed here; run `nox -s crosscheck`.")
    chunks = _chunks(options.histories)
    if options.only is not None:
        chunks = [range(options.only, options.only + 1)]
    total, told_at = Tally(), time.monotonic()
    for tally in run_all(options.seed, chunks, min(options.processes, len(chunks))):
        total.add(tally)
        if time.monotonic() - told_at < PROGRESS_EVERY_S:
            continue
        told_at = time.monotonic()
        print(
            f"{total.counts['histories']} histories, {len(total.disagreements)} disagreements",
            file=sys.stderr,
            flush=True,
        )
    return finish(_record(options.seed, total), options.record, show=lambda: _show(total))


def _record(seed: int, total: Tally) -> SessionRecord:
    counts = total.counts
    verdict = Verdict.PASS
    if total.disagreements:
        verdict = Verdict.FAIL
    elif any(counts[f"unknown to {judge}"] for judge in ("intervals", "search", "detangle")):
        verdict = Verdict.UNKNOWN
    summary = (
        f"{counts['histories']} histories, {counts['ok']} ok, {counts['illegal']} illegal, "
        f"{counts['unknown']} unknown; {len(total.disagreements)} disagreements, seed {seed}"
    )
    here = environment()
    return SessionRecord(
        name="crosscheck",
        verdict=verdict,
        summary=summary,
        figures={name: counts[name] for name in sorted(counts)},
        versions=here.versions(),
        environment=here,
    )


def _show(total: Tally) -> None:
    counts = total.counts
    for judge in ("intervals", "search", "detangle", "permutations", "construction"):
        unknown = counts[f"unknown to {judge}"]
        print(f"  {judge:<13} {counts[f'asked {judge}']:>8} asked, {unknown} unknown")
    print(f"  {counts['operations']} operations; {counts['legal']} histories acted out, ", end="")
    print(f"{counts['damaged']} damaged, {counts['random']} random")
    for text in total.disagreements:
        print(f"\n{text}")


if __name__ == "__main__":
    run("crosscheck", main)
