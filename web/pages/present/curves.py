"""Line charts as geometry: the template draws it, a table beside it tells the same numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from web.pages.present.mark_labels import MarkLabel, mark_labels

LEFT, RIGHT, TOP, BOTTOM = 44, 408, 12, 208
STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
WANTED_TICKS = 4
MOST_EPOCH_STEPS = 7
# Times below a chart: more would touch each other on a phone.
WANTED_LABELS = 5

Points = Sequence[tuple[float, float]]
# How a script writes the moments below a chart in the reader's time zone; "" leaves what is there, in UTC.
LocalForm = Literal["", "hour", "day"]


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on an axis: where it is and what it says, for a moment in UTC."""

    at: float
    text: str
    moment: datetime | None = None


@dataclass(frozen=True, slots=True)
class TimeAxis:
    """Equal bins of time: a word for them, what is written below each, and when each begins."""

    name: str
    labels: Sequence[str]
    moments: Sequence[datetime]
    local: LocalForm


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
    changes: list[float] = field(default_factory=list)  # where another version took over, as upright lines
    labels: list[MarkLabel] = field(default_factory=list)  # and which
    local: LocalForm = ""


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


def time_chart(
    title: str,
    axis: TimeAxis,
    series: Mapping[str, Sequence[float | None]],
    changes: Sequence[tuple[float, int]] = (),
) -> Chart:
    """Series over equal bins of time, drawn from zero, with a dot for each value. None is left out.

    As many names of bins as fit stand below. `changes` are positions, counted in bins, and the versions that
    took over there.
    """
    points = {
        name: [(index, value) for index, value in enumerate(values) if value is not None]
        for name, values in series.items()
    }
    heights = [y for spots in points.values() for _, y in spots]
    whole = all(y.is_integer() for y in heights)  # nobody answers a quarter of a photo
    y_ticks = _round_ticks(0.0, max(heights, default=0.0), whole=whole)
    bins = len(axis.labels)
    frame = _Frame((0, bins - 1), (0.0, y_ticks[-1]))
    marks = [(frame.x(at), version) for at, version in changes]
    shown = range(0, bins, math.ceil(bins / WANTED_LABELS))
    return Chart(
        title=title,
        x_name=axis.name,
        lines=[frame.line(name, spots, all_dots=True) for name, spots in points.items()],
        x_ticks=[Tick(frame.x(index), axis.labels[index], axis.moments[index]) for index in shown],
        y_ticks=[Tick(frame.y(tick), f"{tick:,.10g}") for tick in y_ticks],
        changes=[at for at, _ in marks],
        labels=mark_labels(marks, LEFT, RIGHT),
        local=axis.local,
    )


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
            lines=[self.line(name, points, all_dots=name == marked) for name, points in series.items()],
            x_ticks=[Tick(self.x(tick), f"{tick:g}") for tick in x_ticks],
            y_ticks=[Tick(self.y(tick), f"{tick:g}") for tick in y_ticks],
        )

    def line(self, name: str, points: Points, *, all_dots: bool) -> Line:
        """A series, with a dot at each of its points or only at the last one."""
        spots = [(self.x(x), self.y(y)) for x, y in points]
        text = " ".join(f"{x:g},{y:g}" for x, y in spots)
        return Line(name, text, spots if all_dots else spots[-1:])

    def x(self, value: float) -> float:
        """Where a value lies from left to right."""
        first, last = self.x_range
        share = (value - first) / (last - first) if last > first else 0.5
        return round(LEFT + share * (RIGHT - LEFT), 1)

    def y(self, value: float) -> float:
        """Where a value lies from top to bottom."""
        low, high = self.y_range
        return round(BOTTOM - (value - low) / (high - low) * (BOTTOM - TOP), 1)


def _round_ticks(low: float, high: float, *, whole: bool = False) -> list[float]:
    """Round numbers that enclose the values, so that the axis can be read; only whole ones if asked for."""
    spread = high - low or abs(high) or 1.0
    step = _round_step(spread / WANTED_TICKS, whole=whole)
    start = math.floor(low / step)
    count = max(1, math.ceil(high / step) - start)
    return [round((start + index) * step, 10) for index in range(count + 1)]


def _whole_ticks(first: int, last: int) -> list[int]:
    """The first number, and round ones behind it."""
    step = int(_round_step(max(1, (last - first) / MOST_EPOCH_STEPS), whole=True))
    return [first, *range(first // step * step + step, last + 1, step)]


def _round_step(least: float, *, whole: bool) -> float:
    """The smallest round number that is no smaller."""
    magnitude = 10.0 ** math.floor(math.log10(least))
    steps = (step * power for power in (magnitude, 10 * magnitude) for step in STEPS)
    return next(step for step in steps if step >= least and (not whole or step.is_integer()))
