"""How figures are told: the middle, the spread, and how busy the machine was with other things."""

from __future__ import annotations

import math
import os
import statistics
from collections.abc import Sequence


def told(values: Sequence[float], digits: int = 2) -> str:
    """The median and, in brackets, the smallest and the largest."""
    low, high = min(values), max(values)
    return f"{statistics.median(values):.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of the values do not exceed (the nearest rank)."""
    return sorted(values)[math.ceil(share * len(values)) - 1]


def machine() -> str:
    """The cores, and the load of the last minute: above 1 before a run, its figures are provisional."""
    return f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
