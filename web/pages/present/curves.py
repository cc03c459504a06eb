"""Line charts as geometry: the template draws it, a table beside it tells the same numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 420, 240
LEFT, RIGHT, TOP, BOTTOM = 44, 408, 12, 208
STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
WANTED_TICKS = 4


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on an axis: where it is and what it says."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Line:
    """One series, ready to draw."""

    name: str
    points: str
    last_x: float
    last_y: float


@dataclass(frozen=True, slots=True)
class Chart:
    """A line chart over epochs."""

    title: str
    lines: list[Line]
    x_ticks: list[Tick]
    y_ticks: list[Tick]


def line_chart(title: str, epochs: Sequence[int], series: Mapping[str, Sequence[float]]) -> Chart:
    """Scale series over epochs into one frame. Values that are not finite are left out."""
    values = [value for line in series.values() for value in line if math.isfinite(value)]
    ticks = _round_ticks(min(values, default=0.0), max(values, default=1.0))
    first, last = min(epochs, default=1), max(epochs, default=1)
    return Chart(
        title=title,
        lines=[
            _line(name, epochs, line, (first, last), (ticks[0], ticks[-1])) for name, line in series.items()
        ],
        x_ticks=[Tick(_x(epoch, first, last), str(epoch)) for epoch in _whole_ticks(first, last)],
        y_ticks=[Tick(_y(tick, ticks[0], ticks[-1]), f"{tick:g}") for tick in ticks],
    )


def _line(
    name: str,
    epochs: Sequence[int],
    values: Sequence[float],
    x_range: tuple[int, int],
    y_range: tuple[float, float],
) -> Line:
    spots = [
        (_x(epoch, *x_range), _y(value, *y_range))
        for epoch, value in zip(epochs, values, strict=True)
        if math.isfinite(value)
    ]
    points = " ".join(f"{x:g},{y:g}" for x, y in spots)
    last_x, last_y = spots[-1] if spots else (LEFT, BOTTOM)
    return Line(name, points, last_x, last_y)


def _x(epoch: int, first: int, last: int) -> float:
    share = (epoch - first) / (last - first) if last > first else 0.5
    return round(LEFT + share * (RIGHT - LEFT), 1)


def _y(value: float, low: float, high: float) -> float:
    return round(BOTTOM - (value - low) / (high - low) * (BOTTOM - TOP), 1)


def _round_ticks(low: float, high: float) -> list[float]:
    """Round numbers that enclose the values, so that the axis can be read."""
    spread = high - low or abs(high) or 1.0
    magnitude = 10 ** math.floor(math.log10(spread / WANTED_TICKS))
    step = next(s * magnitude for s in STEPS if s * magnitude * WANTED_TICKS >= spread)
    start = math.floor(low / step)
    count = max(1, math.ceil(high / step) - start)
    return [round((start + index) * step, 10) for index in range(count + 1)]


def _whole_ticks(first: int, last: int) -> list[int]:
    step = max(1, math.ceil((last - first) / 6))
    return list(range(first, last + 1, step))
