"""Whether a version is as sure as it is right: its answers in bins of confidence."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from shared.models.evaluation import Interval, wilson_interval

# Ten bins can be read in a chart and hold enough photos each; the error itself is computed from fifteen.
BINS = 10


@dataclass(frozen=True, slots=True)
class Bin:
    """The photos whose answer was given with a confidence above `low`, up to `high`."""

    low: float
    high: float
    count: int
    confidence: float
    accuracy: float
    interval: Interval


def reliability(answers: Iterable[tuple[float, bool]], bins: int = BINS) -> list[Bin]:
    """Equally wide bins of answers, given as (confidence, right). Empty bins are left out.

    The reliability diagram of DeGroot and Fienberg, "The comparison and evaluation of forecasters", The
    Statistician 32 (1983) 12-22.
    """
    sorted_in: list[list[tuple[float, bool]]] = [[] for _ in range(bins)]
    for confidence, right in answers:
        place = min(bins, max(1, math.ceil(confidence * bins))) - 1
        sorted_in[place].append((confidence, right))
    return [_bin(place, inside, bins) for place, inside in enumerate(sorted_in) if inside]


def _bin(place: int, inside: list[tuple[float, bool]], bins: int) -> Bin:
    count, right = len(inside), sum(right for _, right in inside)
    return Bin(
        low=place / bins,
        high=(place + 1) / bins,
        count=count,
        confidence=sum(confidence for confidence, _ in inside) / count,
        accuracy=right / count,
        interval=wilson_interval(right, count),
    )
