"""What several sections say of one benchmark's rounds."""

from statistics import median

from reports.load import Benchmark
from reports.schema import Figure


def each_us(benchmark: Benchmark) -> float:
    """The median round's time for one transition."""
    return median(benchmark.rounds_s) * 1e6


def percent_of_raw(benchmark: Benchmark) -> str:
    """How fast it is beside the raw loop, each round with its neighbour."""
    raw = benchmark.extra_info.get("raw_rounds_s")
    if not isinstance(raw, list) or len(raw) != len(benchmark.rounds_s):
        return "-"
    pairs = zip(raw, benchmark.rounds_s, strict=True)
    return f"{100 * median(limit / taken for limit, taken in pairs):.1f}"


def cell(each: Benchmark) -> str:
    """The benchmark's name with its parameters."""
    return each.name.rpartition("::")[2].removeprefix("test_")


def number(value: Figure) -> str:
    """Four digits of a figure."""
    return f"{value:,.4g}" if isinstance(value, float) else str(value)
