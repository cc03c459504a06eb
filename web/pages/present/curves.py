"""Line charts as geometry: the template draws it, a table beside it tells the same numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

LEFT, RIGHT, TOP, BOTTOM = 44, 408, 12, 208
STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
WANTED_TICKS = 4

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on an axis: where it is and what it says."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Line:
    """One series, ready to draw. `dots` are the points to mark, the last one where all would be too many."""

    name: str
    points: str
    dots: list[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Chart:
    """A line chart. `x_name` says in a word what runs from left to right."""

    title: str
    x_name: str
    lines: list[Line]
    x_ticks: list[Tick]
    y_ticks: list[Tick]


def line_chart(
    title: str,
    epochs: Sequence[int],
    series: Mapping[str, Sequence[float]],
    level: tuple[str, float] | None = None,
) -> Chart:
    """Scale series over epochs into one frame. Values that are not finite are left out.

    `level` is a value that all epochs are compared with, such as the champion's, and its name.
    """
    levels = {level[0]: [level[1]] * len(epochs)} if level else {}
    points = {
        name: [spot for spot in zip(epochs, values, strict=True) if math.isfinite(spot[1])]
        for name, values in {**series, **levels}.items()
    }
    heights = [y for spots in points.values() for _, y in spots]
    y_ticks = _round_ticks(min(heights, default=0.0), max(heights, default=1.0))
    first, last = min(epochs, default=1), max(epochs, default=1)
    frame = _Frame((first, last), (y_ticks[0], y_ticks[-1]))
    return frame.chart(title, "epoch", points, _whole_ticks(first, last), y_ticks)


def unit_chart(title: str, x_name: str, series: Mapping[str, Points], marked: str) -> Chart:
    """Series of shares against shares, both axes from 0 to 1; every point of `marked` gets a dot."""
    ticks = [0.0, 0.25, 0.5, 0.75, 1.0]
    return _Frame((0, 1), (0, 1)).chart(title, x_name, series, ticks, ticks, marked)


@dataclass(frozen=True, slots=True)
class _Frame:
    """The range of values that the axes show."""

    x_range: tuple[float, float]
    y_range: tuple[float, float]

    def chart(
        self,
        title: str,
        x_name: str,
        series: Mapping[str, Points],
        x_ticks: Iterable[float],
        y_ticks: Iterable[float],
        marked: str | None = None,
    ) -> Chart:
        """Everything scaled into the frame."""
        return Chart(
            title=title,
            x_name=x_name,
            lines=[self._line(name, points, all_dots=name == marked) for name, points in series.items()],
            x_ticks=[Tick(self._x(tick), f"{tick:g}") for tick in x_ticks],
            y_ticks=[Tick(self._y(tick), f"{tick:g}") for tick in y_ticks],
        )

    def _line(self, name: str, points: Points, *, all_dots: bool) -> Line:
        spots = [(self._x(x), self._y(y)) for x, y in points]
        text = " ".join(f"{x:g},{y:g}" for x, y in spots)
        return Line(name, text, spots if all_dots else spots[-1:])

    def _x(self, value: float) -> float:
        first, last = self.x_range
        share = (value - first) / (last - first) if last > first else 0.5
        return round(LEFT + share * (RIGHT - LEFT), 1)

    def _y(self, value: float) -> float:
        low, high = self.y_range
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
