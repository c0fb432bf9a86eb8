"""Where lines, marks and words of a chart go: plain numbers, which a template turns into SVG."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 560, 300
LEFT, RIGHT, TOP, BOTTOM = 70, 20, 16, 40
COLOURS = 6
CURVE_STEPS = 48

Point = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """What was measured under one name, and the law that was fitted to it, if any."""

    name: str
    points: Sequence[Point]
    law: Callable[[float], float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """A mark on an axis: where, and what it says."""

    at: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """One series in the chart's own units. ``told`` names each point for a reader's pointer."""

    name: str
    colour: int
    marks: list[Point]
    line: str
    curve: str
    told: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """A stretch of an axis that means something, such as what is tolerated."""

    kind: str
    at: float
    size: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A chart that is ready to be drawn. ``told`` says in words what it shows."""

    title: str
    x_label: str
    y_label: str
    series: list[Drawn]
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    note: str = ""
    told: str = ""
    bands: Sequence[Band] = ()


def over_counts(
    title: str, y_label: str, series: Sequence[Series], *, x_label: str, note: str = ""
) -> Chart | None:
    """Return a chart over a number that doubles; None where nothing was measured.

    The vertical axis is logarithmic where values span more than two decades and none is 0.
    """
    xs = sorted({x for each in series for x, _ in each.points})
    ys = [y for each in series for _, y in each.points]
    if not xs:
        return None
    is_log = min(ys) > 0 and max(ys) / min(ys) > 100
    low, high = (min(ys) / 1.5, max(ys) * 1.5) if is_log else (0.0, max(ys) * 1.08 or 1.0)
    x_low, x_high = math.log2(xs[0]), math.log2(max(xs[-1], xs[0] * 2))

    def across(x: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (math.log2(x) - x_low) / (x_high - x_low)

    def up(y: float) -> float:
        y = min(max(y, low), high)
        share = math.log(y / low) / math.log(high / low) if is_log else (y - low) / (high - low)
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * share

    drawn = []
    for index, each in enumerate(series):
        points = sorted(each.points)
        marks = [(round(across(x), 1), round(up(y), 1)) for x, y in points]
        curve: list[Point] = []
        if each.law is not None and len(points) > 1:
            steps = [
                x_low + (x_high - x_low) * step / CURVE_STEPS for step in range(CURVE_STEPS + 1)
            ]
            curve = [(round(across(2**x), 1), round(up(each.law(2**x)), 1)) for x in steps]
        drawn.append(
            Drawn(
                name=each.name,
                colour=index % COLOURS,
                marks=marks,
                line=_path(marks) if each.law is None else "",
                curve=_path(curve),
                told=[f"{each.name}, {x:g}: {_short(y)}" for x, y in points],
            )
        )
    return Chart(
        title=title,
        x_label=x_label,
        y_label=y_label,
        series=drawn,
        x_ticks=[Tick(at=round(across(x), 1), text=f"{x:g}") for x in xs],
        y_ticks=[Tick(at=round(up(y), 1), text=_short(y)) for y in _steps(low, high, is_log)],
        note=note,
    )


def _path(points: Sequence[Point]) -> str:
    return " ".join(f"{x:g},{y:g}" for x, y in points)


def _steps(low: float, high: float, is_log: bool) -> list[float]:
    if is_log:
        return [
            10.0**power
            for power in range(math.ceil(math.log10(low)), math.floor(math.log10(high)) + 1)
        ]
    rough = (high - low) / 4
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(each * size for each in (1, 2, 5, 10) if each * size >= rough)
    return [step * index for index in range(int(high / step) + 1)]


def _short(value: float) -> str:
    if value >= 10:
        return f"{value:,.0f}"
    return f"{value:.3g}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """One layer of the stacked ladder, in the chart's own units."""

    name: str
    colour: int
    at: float
    width: float
    told: str


def stacked(layers: Sequence[tuple[str, float]]) -> list[Segment]:
    """Return layers side by side over the whole width; widths are shares of their sum."""
    total = sum(max(0.0, size) for _, size in layers)
    found, at = [], 0.0
    for index, (name, size) in enumerate(layers):
        width = WIDTH * max(0.0, size) / total if total else 0.0
        share = 100 * max(0.0, size) / total if total else 0.0
        found.append(
            Segment(
                name=name,
                colour=index % COLOURS,
                at=round(at, 1),
                width=round(width, 1),
                told=f"{size:,.1f} µs, {share:.0f} %",
            )
        )
        at += width
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """Layers upon each other, lying on their side."""

    title: str
    segments: Sequence[Segment]
