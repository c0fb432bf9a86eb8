"""Throughput, retries and the 99th percentile over writers, and the law that fits them."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.results import Finished, Result
from benchmarks.scalability import Scalability, fit
from benchmarks.tables.layout import aligned, share
from reports.schema import Figure

KINDS = {"tasks": "task_count", "processes": "process_count"}


def laws(finished: Finished) -> Iterator[tuple[str, str, Scalability]]:
    """Yield (kind, model, law) for each sweep that is long enough for one."""
    for kind, count in KINDS.items():
        ways = dict.fromkeys(
            each.extra_info["way"] for each in finished.results if each.name == kind
        )
        for way in ways:
            points = [
                (int(each.extra_info[count]), float(each.extra_info["throughput_per_s"]))
                for each in finished.results
                if each.name == kind and each.extra_info["way"] == way
            ]
            law = fit(points)
            if law is not None:
                yield kind, way, law


def lines(finished: Finished) -> Iterator[str]:
    """The sweeps, arrivals at a rate, and the fitted laws."""
    yield from _sweeps(finished)
    arrivals = [each for each in finished.results if each.name == "arrivals"]
    if arrivals:
        yield ""
        yield from _arrivals(arrivals)
    found = list(laws(finished))
    if found:
        yield ""
        yield from _laws(found)


def _sweeps(finished: Finished) -> Iterator[str]:
    head = ("model", "by", "number", "transitions/s", "% of raw", "retries", "busy", "p50 ms")
    rows: list[tuple[str, ...]] = [(*head, "p90 ms", "p99 ms", "p99.9 ms", "max ms", "Jain")]
    for each in finished.results:
        if each.name not in KINDS:
            continue
        info = each.extra_info
        rows.append(
            (
                info["way"],
                each.name,
                str(info[KINDS[each.name]]),
                f"{info['throughput_per_s']:,.0f}",
                share(each),
                *(f"{info[name]:,}" for name in ("retry_count", "busy_count")),
                *milliseconds(each, "latency"),
                f"{info['jain_index']:.3f}",
            )
        )
    yield from aligned(rows, texts=2)


def _arrivals(results: list[Result]) -> Iterator[str]:
    head = ("model", "arrivals/s", "of its most", "p50 ms", "p90 ms", "p99 ms", "p99.9 ms")
    rows: list[tuple[str, ...]] = [(*head, "max ms", "service p99", "gave up")]
    for each in results:
        info = each.extra_info
        rows.append(
            (
                info["way"],
                f"{info['rate_per_s']:,.0f}",
                f"{info['utilisation']:.0%}",
                *milliseconds(each, "response"),
                f"{info['latency_p99_us'] / 1000:,.1f}",
                str(info["gave_up_count"]),
            )
        )
    yield "  open loop: latency from the moment at which a transition was wanted"
    yield from aligned(rows, texts=1)


def _laws(found: list[tuple[str, str, Scalability]]) -> Iterator[str]:
    rows: list[tuple[str, ...]] = [
        ("model", "by", "one alone/s", "contention", "coherency", "peak at", "off by at most")
    ]
    for kind, way, law in found:
        peak = "-" if law.peak is None else f"{law.peak:,.0f}"
        coefficients = (f"{law.contention:.4f}", f"{law.coherency:.6f}")
        rows.append(
            (way, kind, f"{law.rate_per_s:,.0f}", *coefficients, peak, f"{law.worst_percent:.0f} %")
        )
    yield "  Universal Scalability Law (Gunther 2007): contention is what is done one at a time"
    yield from aligned(rows, texts=2)


def milliseconds(each: Result, name: str) -> list[str]:
    """The percentiles and the maximum of a sample."""
    labels = ("p50", "p90", "p99", "p99_9", "max")
    return [f"{each.extra_info[f'{name}_{label}_us'] / 1000:,.1f}" for label in labels]


def figures(finished: Finished) -> dict[str, Figure]:
    """The coefficients by name, for the record."""
    found: dict[str, Figure] = {}
    for kind, way, law in laws(finished):
        name = f"scaling.usl.{kind}[{way}]"
        found[f"{name}.rate_per_s"] = round(law.rate_per_s, 1)
        found[f"{name}.contention"] = round(law.contention, 6)
        found[f"{name}.coherency"] = round(law.coherency, 8)
        found[f"{name}.worst_percent"] = round(law.worst_percent, 1)
    return found
