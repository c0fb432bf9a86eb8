"""Drawings of a comparison: intervals beside what is tolerated, epoch by epoch, and all rounds."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from reports.documents.charts import (
    BOTTOM,
    HEIGHT,
    LEFT,
    RIGHT,
    TOP,
    WIDTH,
    Band,
    Chart,
    Drawn,
    Stack,
    Tick,
)
from reports.load import short_name
from reports.schema import BenchmarkComparison, BenchmarkOutcome

ROW = 46
"""The height of one line of a forest plot: its words, and under them its interval."""
HEAD, FOOT = 8, 34
SIDES = 12
TICKS = (
    *(0.1, 0.2, 0.25, 0.5, 0.8, 0.9, 0.95, 1.0, 1.05, 1.1, 1.2, 1.3, 1.4, 1.5, 2.0, 3.0, 5.0),
    *(10.0, 20.0, 50.0, 100.0),
)
LABEL = 44
"""What the words of a tick need, in the drawing's units."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """One benchmark: where its interval begins, has its middle, and ends."""

    name: str
    words: str
    kind: str
    top: int
    low: float
    middle: float
    high: float
    is_open: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Forest:
    """Ratios with their intervals under each other, on one logarithmic axis."""

    title: str
    told: str
    note: str
    height: int
    one: float
    intervals: Sequence[Interval]
    bands: Sequence[Band]
    ticks: Sequence[Tick]


Drawing = Chart | Stack | Forest


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What a slowdown may be: no failure up to the margin, a pass up to the tolerance."""

    margin_percent: float | None
    tolerance_percent: float | None

    def bands(self, along: Callable[[float], float]) -> list[Band]:
        """The wider one first, so that the narrower one lies upon it."""
        found = []
        for kind, percent in (
            ("tolerance", self.tolerance_percent),
            ("margin", self.margin_percent),
        ):
            if percent is not None:
                ends = sorted((along(1 / (1 + percent / 100)), along(1 + percent / 100)))
                found.append(
                    Band(kind=kind, at=round(ends[0], 1), size=round(ends[1] - ends[0], 1))
                )
        return found

    @property
    def words(self) -> str:
        """What the bands mean."""
        told = []
        if self.margin_percent is not None:
            told.append(f"dark band: the margin of {self.margin_percent:g} %")
        if self.tolerance_percent is not None:
            told.append(f"light band: the tolerance of {self.tolerance_percent:g} %")
        return "; ".join(told)

    @property
    def farthest(self) -> float:
        """The largest ratio that a band reaches."""
        return 1 + max(self.margin_percent or 0.0, self.tolerance_percent or 0.0, 1.0) / 100


def forest(rows: Sequence[BenchmarkComparison], bounds: Bounds) -> Forest | None:
    """Return every ratio with its interval; None where nothing was timed."""
    if not rows:
        return None
    ends = [each for row in rows for each in (row.ratio, row.ratio_low, row.ratio_high) if each]
    far = bounds.farthest
    low, high = math.log(min(*ends, 1 / far) / 1.02), math.log(max(*ends, far) * 1.02)

    def across(ratio: float) -> float:
        share = (math.log(ratio) - low) / (high - low)
        return round(SIDES + (WIDTH - 2 * SIDES) * share, 1)

    intervals = [
        Interval(
            name=short_name(row.name) + (" (control)" if row.is_control else ""),
            words=_words(row),
            kind=_kind(row),
            top=HEAD + index * ROW,
            low=across(row.ratio_low or row.ratio),
            middle=across(row.ratio),
            high=across(row.ratio_high or row.ratio),
            is_open=row.ratio_low is None or row.ratio_high is None,
        )
        for index, row in enumerate(rows)
    ]
    return Forest(
        title="Candidate over baseline, with its interval: to the right is slower",
        told="; ".join(
            f"{each.name} {each.words}, {row.outcome.value}"
            for each, row in zip(intervals, rows, strict=True)
        ),
        note=bounds.words,
        height=HEAD + len(rows) * ROW + FOOT,
        one=across(1.0),
        intervals=intervals,
        bands=bounds.bands(across),
        ticks=_spaced(
            [
                Tick(at=across(each), text=f"{each:g}")
                for each in TICKS
                if low < math.log(each) < high
            ],
            across(1.0),
        ),
    )


def _spaced(ticks: Sequence[Tick], first: float) -> list[Tick]:
    """The tick at 1, and of the others those whose words have room."""
    kept: list[Tick] = []
    for tick in sorted(ticks, key=lambda tick: abs(tick.at - first)):
        if all(abs(tick.at - each.at) >= LABEL for each in kept):
            kept.append(tick)
    return kept


def _words(row: BenchmarkComparison) -> str:
    if row.ratio_low is None or row.ratio_high is None:
        return f"{row.ratio:.3f}, no interval"
    return f"{row.ratio:.3f} ({row.ratio_low:.3f} to {row.ratio_high:.3f})"


def _kind(row: BenchmarkComparison) -> str:
    if row.accepted is not None:
        return "doubt"
    return {
        BenchmarkOutcome.REGRESSED: "bad",
        BenchmarkOutcome.NOT_QUIET: "bad",
        BenchmarkOutcome.UNKNOWN: "doubt",
    }.get(row.outcome, "calm")


def by_epoch(rows: Sequence[BenchmarkComparison], bounds: Bounds) -> Iterator[Chart]:
    """Yield each benchmark's ratios in the order of their epochs."""
    for row in rows:
        values = row.epoch_ratios
        if len(values) < 2:
            continue
        low = min(*values, 1 / bounds.farthest) * 0.995
        high = max(*values, bounds.farthest) * 1.005
        numbers = [float(each) for each in range(1, len(values) + 1)]
        chart = _plain(
            title=f"{short_name(row.name)}, epoch by epoch",
            x_label="epoch",
            y_label="candidate / baseline",
            lines=[("an epoch", list(zip(numbers, values, strict=True)))],
            x_range=(1.0, float(len(values))),
            y_range=(low, high),
            bounds=bounds,
            is_marked=True,
            told=f"{len(values)} epochs from {min(values):.3f} to {max(values):.3f}, "
            f"median {median(values):.3f}",
        )
        yield chart


def every_round(rows: Sequence[BenchmarkComparison]) -> Iterator[Chart]:
    """Yield each benchmark's rounds on both sides, as the share that took no longer."""
    for row in rows:
        sides = [
            ("baseline", row.baseline_quantiles_us),
            ("candidate", row.candidate_quantiles_us),
        ]
        if any(len(values) < 2 for _, values in sides):
            continue
        # The slowest rounds of a shared machine would leave no room for all others.
        right = max(values[-2] for _, values in sides) * 1.02
        left = min(values[0] for _, values in sides) * 0.98
        lines = [
            (name, [(value, index / (len(values) - 1)) for index, value in enumerate(values)])
            for name, values in sides
        ]
        middles = [f"{name} {values[len(values) // 2]:,.1f} µs" for name, values in sides]
        yield _plain(
            title=f"{short_name(row.name)}, every round",
            x_label="µs a transition",
            y_label="share of rounds",
            lines=lines,
            x_range=(left, right),
            y_range=(0.0, 1.0),
            bounds=None,
            told=f"median: {', '.join(middles)}",
        )


def _plain(
    *,
    title: str,
    x_label: str,
    y_label: str,
    lines: Sequence[tuple[str, Sequence[tuple[float, float]]]],
    x_range: tuple[float, float],
    y_range: tuple[float, float],
    bounds: Bounds | None,
    told: str,
    is_marked: bool = False,
) -> Chart:
    def across(x: float) -> float:
        share = (min(x, x_range[1]) - x_range[0]) / (x_range[1] - x_range[0])
        return round(LEFT + (WIDTH - LEFT - RIGHT) * share, 1)

    def up(y: float) -> float:
        share = (y - y_range[0]) / (y_range[1] - y_range[0])
        return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * share, 1)

    series = []
    for index, (name, points) in enumerate(lines):
        places = [(across(x), up(y)) for x, y in points]
        series.append(
            Drawn(
                name=name,
                colour=index,
                marks=places if is_marked else [],
                line=" ".join(f"{x:g},{y:g}" for x, y in places),
                curve="",
                told=[f"{name} {x:g}: {y:.3f}" for x, y in points] if is_marked else [],
            )
        )
    return Chart(
        title=title,
        x_label=x_label,
        y_label=y_label,
        series=series,
        x_ticks=[Tick(at=across(each), text=_short(each)) for each in nice(*x_range)],
        y_ticks=[Tick(at=up(each), text=_short(each)) for each in nice(*y_range)],
        told=told,
        bands=() if bounds is None else bounds.bands(up),
    )


def nice(low: float, high: float) -> list[float]:
    """Return about five round numbers between two others."""
    rough = (high - low) / 5
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(each * size for each in (1, 2, 5, 10) if each * size >= rough)
    return [step * index for index in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.4g}"
