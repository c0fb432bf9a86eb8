"""What makes the figures of a run worth less: each with its number, its threshold and what to do.

In the spirit of pyperf's warnings (https://pyperf.readthedocs.io): a table that looks exact is
believed, so the run itself says where it should not be. Nothing here fails a run.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.results import Finished, Result
from benchmarks.tables.scaling import laws

LOAD_PER_CPU = 0.5
SPREAD_PERCENT = 10.0
RAW_OFF_PERCENT = 5.0
ROUNDS = 5
CLOCK_TICKS = 1000
LAW_OFF_PERCENT = 20.0
SAMPLES_OF_P99 = 100
GOVERNOR = "performance"


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """One reason for doubt: what was found, the threshold, and the next command."""

    about: str
    found: str
    threshold: str
    advice: str

    def __str__(self) -> str:
        """Return one line."""
        return f"{self.about}: {self.found}; {self.threshold}. {self.advice}"


def doubts(group: str, finished: Finished) -> Iterator[Doubt]:
    """Yield the doubts about a group's figures, those about the machine first."""
    clocked = [each for each in finished.results if each.extra_info.get("instrument") != "counts"]
    if not clocked:
        return  # counts do not care
    yield from _of_the_machine(finished)
    again = f"nox -s benchmarks -- --group {group}"
    wide = [each for each in clocked if each.spread_percent > SPREAD_PERCENT]
    if wide:
        worst = max(wide, key=lambda each: each.spread_percent)
        yield Doubt(
            about=f"{len(wide)} of {len(clocked)} cells",
            found=f"rounds spread by ± {worst.spread_percent:.0f} % ({worst.full_name})",
            threshold=f"above ± {SPREAD_PERCENT:.0f} % read shares of the raw loop, not rates",
            advice=f"Again: `{again} -- -k '{worst.name}'`.",
        )
    for each in clocked:
        yield from _of_a_cell(each, again)
    for kind, way, law in laws(finished):
        if law.worst_percent > LAW_OFF_PERCENT:
            yield Doubt(
                about=f"the scalability law of {way} by {kind}",
                found=f"a point lies {law.worst_percent:.0f} % off its curve",
                threshold=f"above {LAW_OFF_PERCENT:.0f} % its coefficients describe noise",
                advice=f"Again on a quiet machine: `{again} --size full`.",
            )


def _of_the_machine(finished: Finished) -> Iterator[Doubt]:
    seen = finished.environment
    if seen.load_average is not None and seen.cpu_count:
        limit = LOAD_PER_CPU * seen.cpu_count
        if seen.load_average[0] > limit:
            yield Doubt(
                about="load",
                found=f"{seen.load_average[0]:.1f} on {seen.cpu_count} CPUs",
                threshold=f"above {limit:.1f} others are running, and rates are too low",
                advice="Wait until `uptime` shows less; a verdict needs `nox -s gate`.",
            )
    if seen.cpu_governor not in (None, GOVERNOR):
        yield Doubt(
            about="CPU governor",
            found=f"{seen.cpu_governor}",
            threshold=f"any but {GOVERNOR} changes the clock while it is measured",
            advice=f"`cpupower frequency-set --governor {GOVERNOR}`.",
        )


def _of_a_cell(each: Result, again: str) -> Iterator[Doubt]:
    info = each.extra_info
    if each.name == "raw_loop" and each.percent_of_raw is not None:
        off = abs(each.percent_of_raw - 100)
        if off > RAW_OFF_PERCENT:
            yield Doubt(
                about="raw_loop",
                found=f"{off:.1f} % off itself",
                threshold=f"above {RAW_OFF_PERCENT:.0f} % every share is that far off too",
                advice=f"Again: `{again}`.",
            )
    if len(each.rounds_s) < ROUNDS:
        yield Doubt(
            about=each.full_name,
            found=f"{len(each.rounds_s)} rounds",
            threshold=f"fewer than {ROUNDS} have no spread worth the name",
            advice=f"Again: `{again}`.",
        )
    attempts = info.get("attempt_count")
    if attempts is not None and "latency_p99_us" in info and attempts < SAMPLES_OF_P99:
        yield Doubt(
            about=each.full_name,
            found=f"{attempts} attempts",
            threshold=f"of fewer than {SAMPLES_OF_P99} the 99th percentile is the slowest one",
            advice=f"More: `{again} --size full`.",
        )
    if info.get("gave_up_count"):
        yield Doubt(
            about=each.full_name,
            found=f"{info['gave_up_count']} attempts gave up",
            threshold="above 0 some callers got nothing, and latencies hold their waiting only",
            advice="Raise `RetryPolicy.max_tries`, or use a model that lets writers queue.",
        )
