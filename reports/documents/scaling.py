"""Throughput, latency, retries and fairness as writers are added, and the law fitted to them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reports.documents.charts import Chart, Series, over_counts
from reports.documents.model import Section, Table
from reports.documents.rounds import cell, number
from reports.load import Benchmark, short_name
from reports.schema import Figure

_NUMBERS = frozenset(range(1, 8))

Value = Callable[[Mapping[str, Any]], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """The cells of one kind, whose metric ``count`` says how many there were."""

    kind: str
    count: str
    cells: Sequence[Benchmark]
    figures: Mapping[str, Figure]

    def chart(
        self, title: str, y_label: str, value: Value, *, has_law: bool = False
    ) -> Chart | None:
        """One line a connection model."""
        ways = dict.fromkeys(str(each.extra_info["way"]) for each in self.cells)
        series = [
            Series(
                name=way,
                points=[
                    (float(each.extra_info[self.count]), value(each.extra_info))
                    for each in self.cells
                    if each.extra_info["way"] == way
                ],
                law=_law(self.figures, self.kind, way) if has_law else None,
            )
            for way in ways
        ]
        return over_counts(title, y_label, series, x_label=self.kind)


def scaling(found: Sequence[Benchmark], figures: Mapping[str, Figure]) -> Iterator[Section]:
    for kind, count in (("tasks", "task_count"), ("processes", "process_count")):
        sweep = Sweep(
            kind=kind,
            count=count,
            cells=[each for each in found if short_name(each.name) == kind],
            figures=figures,
        )
        if not sweep.cells:
            continue
        charts = (
            sweep.chart(
                "Throughput",
                "transitions/s",
                lambda info: float(info["throughput_per_s"]),
                has_law=True,
            ),
            sweep.chart(
                "99th percentile of latency", "ms", lambda info: info["latency_p99_us"] / 1000
            ),
            sweep.chart(
                "Retries for each commit",
                "retries",
                lambda info: info["retry_count"] / max(1, info["attempt_count"]),
            ),
            sweep.chart("Fairness", "Jain's index", lambda info: float(info["jain_index"])),
        )
        yield Section(
            title=f"More {kind}",
            sentence=f"The store alone on 100 files, by {kind}, closed loop.",
            drawings=[each for each in charts if each is not None],
            tables=[table for table in (_laws(figures, kind),) if table is not None],
        )
    arrivals = [each for each in found if short_name(each.name) == "arrivals"]
    if arrivals:
        yield _arrivals(arrivals)


def _law(figures: Mapping[str, Figure], kind: str, way: str) -> Callable[[float], float] | None:
    names = [
        f"scaling.usl.{kind}[{way}].{each}" for each in ("rate_per_s", "contention", "coherency")
    ]
    values = [figures.get(name) for name in names]
    numbers = [float(each) for each in values if isinstance(each, (int, float))]
    if len(numbers) != len(names):
        return None
    rate, contention, coherency = numbers
    return lambda n: rate * n / (1 + contention * (n - 1) + coherency * n * (n - 1))


def _laws(figures: Mapping[str, Figure], kind: str) -> Table | None:
    start = f"scaling.usl.{kind}["
    ways = dict.fromkeys(
        name[len(start) :].partition("]")[0] for name in figures if name.startswith(start)
    )
    labels = ("rate_per_s", "contention", "coherency", "worst_percent")
    rows = [(way, *(number(figures[f"{start}{way}].{label}"]) for label in labels)) for way in ways]
    heads = ("model", "one alone/s", "contention", "coherency", "off by at most, %")
    return Table(heads=heads, rows=rows, numeric=_NUMBERS) if rows else None


def _arrivals(found: Sequence[Benchmark]) -> Section:
    labels = ("p50", "p90", "p99", "p99_9", "max")
    rows = [
        (
            cell(each),
            f"{each.extra_info['rate_per_s']:,.0f}",
            f"{each.extra_info['utilisation']:.0%}",
            *(f"{each.extra_info[f'response_{label}_us'] / 1000:,.1f}" for label in labels),
        )
        for each in found
    ]
    heads = (
        "arrivals",
        "a second",
        "of its most",
        "p50 ms",
        "p90 ms",
        "p99 ms",
        "p99.9 ms",
        "max ms",
    )
    return Section(
        title="Arrivals at a rate",
        sentence="An open loop: latency from the moment at which each transition was wanted.",
        tables=[Table(heads=heads, rows=rows, numeric=_NUMBERS)],
    )
