"""Compare two finished pytest-benchmark files, as far as two finished files can be compared.

    python -m reports.compare BASELINE.json CANDIDATE.json [--out FILE]

What this can know: how far apart the rounds of these two runs lie. The interval is distribution
free and covers the scatter *within* each run.

What it cannot know: why. The runs did not share a CPU, an hour or a neighbour, and the scatter
*between* runs of the same code is not in the files. Comparing two such runs at 5 % called
identical code slower in more than a third of our runs. So this never says pass. It says fail only
where a benchmark's whole interval is at least 1.5 times the baseline, both runs name the same
machine, and both hold the benchmark `control`, which did not move; everything else is unknown,
and the gate (`nox -s gate -- REQUIREMENT`), which measures in pairs, is the way to know more.

What was counted in lock-step has no scatter: there each difference is named, and is for you to
judge. The Python calls are left out where the Python versions differ.

Exit codes: 1 fail, 2 usage error, 3 unknown, 4 invalid.
"""

import sys
from collections.abc import Sequence

from reports import session, statistics, terminal
from reports.counts import counts_of, differences
from reports.documents import told
from reports.load import Benchmark, BenchmarkFile, UnusableFileError, load, short_name
from reports.schema import (
    BenchmarkComparison,
    BenchmarkOutcome,
    CompareRecord,
    Reason,
    Verdict,
    given_path,
)

LARGE_RATIO = 1.5
"""Far outside what identical code showed between two runs (11 % pair noise, unpinned)."""
CONTROL_RATIO = 1.2
"""A control that moved this far says that the machine changed, not the code."""
ERROR = 0.01
"""How often one bound of one run's median may miss; the ratio's bound adds up two of them."""


def compare_benchmark(baseline: Benchmark, candidate: Benchmark) -> BenchmarkComparison:
    """The ratio of medians, between the bounds of both medians taken against each other.

    Where each bound misses with at most `ERROR`, the ratio's bound misses with at most twice that.
    """
    before = statistics.median_interval(baseline.rounds_s, error=ERROR)
    after = statistics.median_interval(candidate.rounds_s, error=ERROR)
    low = high = None
    if before.low and before.high and after.low and after.high:
        low, high = after.low / before.high, after.high / before.low
    return BenchmarkComparison(
        name=candidate.name,
        is_control=candidate.is_control,
        baseline_us=before.middle * 1e6,
        candidate_us=after.middle * 1e6,
        ratio=after.middle / before.middle,
        ratio_low=low,
        ratio_high=high,
        confidence=1 - 4 * ERROR,
        epoch_count=0,
        outcome=_outcome(low, high, is_control=candidate.is_control),
        epoch_ratios=[],
        reason="too few rounds for an interval" if low is None else None,
        baseline_quantiles_us=statistics.quantiles([each * 1e6 for each in baseline.rounds_s]),
        candidate_quantiles_us=statistics.quantiles([each * 1e6 for each in candidate.rounds_s]),
    )


def _outcome(low: float | None, high: float | None, *, is_control: bool) -> BenchmarkOutcome:
    if low is None or high is None:
        return BenchmarkOutcome.UNKNOWN
    if is_control:
        moved = low >= CONTROL_RATIO or high <= 1 / CONTROL_RATIO
        return BenchmarkOutcome.NOT_QUIET if moved else BenchmarkOutcome.QUIET
    if low >= LARGE_RATIO:
        return BenchmarkOutcome.REGRESSED
    if low > 1:
        return BenchmarkOutcome.SLOWER
    return BenchmarkOutcome.FASTER if high < 1 else BenchmarkOutcome.UNKNOWN


def judge(
    rows: Sequence[BenchmarkComparison], baseline: BenchmarkFile, candidate: BenchmarkFile
) -> tuple[Verdict, list[Reason]]:
    """The verdict and its reasons, the heaviest first."""
    large = [row for row in rows if row.outcome is BenchmarkOutcome.REGRESSED]
    doubts = []
    if baseline.machine != candidate.machine:
        doubts.append(f"the runs name different machines ({baseline.machine}; {candidate.machine})")
    if not any(row.is_control for row in rows):
        doubts.append("no control benchmark stands in both files, so the machine may have changed")
    doubts += [
        f"the control {short_name(row.name)} moved by a factor of {row.ratio:.2f}: "
        "the machine changed between the runs"
        for row in rows
        if row.outcome is BenchmarkOutcome.NOT_QUIET
    ]
    verdict = Verdict.FAIL if large and not doubts else Verdict.UNKNOWN
    reasons = [Reason(verdict=Verdict.UNKNOWN, text=doubt) for doubt in doubts]
    reasons += [
        Reason(
            verdict=verdict,
            text=f"{short_name(row.name)}: {row.ratio:.2f} times the baseline, at least "
            f"{row.ratio_low:.2f}; noise between runs does not reach {LARGE_RATIO}",
        )
        for row in large
    ]
    text = "two finished files are no pairs: scatter between runs of the same code is not in them"
    reasons.append(Reason(verdict=Verdict.UNKNOWN, text=text))
    return verdict, reasons


def _is_one_python(*files: BenchmarkFile) -> bool:
    versions = [
        each.environment.python_version.split(".")[:2] for each in files if each.environment
    ]
    return all(each == versions[0] for each in versions)


def compare(baseline: BenchmarkFile, candidate: BenchmarkFile) -> CompareRecord:
    """Judge two loaded files; at least one benchmark stands in both."""
    common = [name for name in baseline.benchmarks if name in candidate.benchmarks]
    if not common:
        raise session.UsageError(
            f"{baseline.path} and {candidate.path} have no benchmark in common. "
            "Name two runs of the same benchmarks."
        )
    rows = [
        compare_benchmark(baseline.benchmarks[name], candidate.benchmarks[name])
        for name in common
        if not (baseline.benchmarks[name].is_counted or candidate.benchmarks[name].is_counted)
    ]
    verdict, reasons = judge(rows, baseline, candidate)
    counted = [counts_of([each]) for each in (baseline, candidate)]
    changed = list(differences(*counted, same_python=_is_one_python(baseline, candidate)))
    reasons += [Reason(verdict=Verdict.UNKNOWN, text=f"counted: {each}") for each in changed]
    words, farthest = "nothing timed", None
    if rows:
        widest = max(rows, key=lambda row: abs(row.ratio - 1))
        farthest = widest.ratio
        words = (
            f"{len(rows)} benchmarks, the farthest {short_name(widest.name)} at "
            f"{widest.ratio:.2f} times the baseline; not paired"
        )
    if any(counted):
        words += f"; {len(counted[1])} cells counted, {len(changed)} counts differ"
    return CompareRecord(
        name="compare",
        verdict=verdict,
        summary=words,
        figures={
            "benchmarks": len(rows),
            "regressed": sum(row.outcome is BenchmarkOutcome.REGRESSED for row in rows),
            "farthest_ratio": farthest,
            "counted": len(counted[1]),
            "counts_differ": len(changed),
        },
        versions=candidate.environment.versions() if candidate.environment else {},
        environment=candidate.environment,
        baseline_path=baseline.path,
        candidate_path=candidate.path,
        reasons=reasons,
        benchmarks=rows,
        only_baseline=sorted(baseline.benchmarks.keys() - candidate.benchmarks.keys()),
        only_candidate=sorted(candidate.benchmarks.keys() - baseline.benchmarks.keys()),
        margin_percent=(LARGE_RATIO - 1) * 100,
    )


def main(given: Sequence[str] | None = None) -> int:
    """Run the session and return its exit code."""
    description, _, rest = (__doc__ or "").partition("\n\n")
    made = session.parser(program="python -m reports.compare", description=description)
    made.epilog = rest.partition("\n\n")[2]
    made.add_argument(
        "baseline", metavar="BASELINE.json", type=given_path, help="the run to compare with"
    )
    made.add_argument(
        "candidate", metavar="CANDIDATE.json", type=given_path, help="the run in question"
    )
    out = session.OUT / "compare.json"
    baseline = candidate = ""
    try:
        options = made.parse_args(session.arguments(given))
        out, baseline, candidate = options.out, str(options.baseline), str(options.candidate)
        record = compare(load(baseline), load(candidate))
    except (session.UsageError, UnusableFileError) as error:
        verdict = error.verdict if isinstance(error, UnusableFileError) else Verdict.USAGE
        print(error, file=sys.stderr)
        record = CompareRecord(
            name="compare",
            verdict=verdict,
            summary="nothing was compared",
            baseline_path=baseline,
            candidate_path=candidate,
            reasons=[Reason(verdict=verdict, text=str(error))],
        )
        return session.finish(record, out)
    return session.finish(record, out, show=lambda: terminal.show(told(record)))


if __name__ == "__main__":
    sys.exit(main())
