"""Where in a photo the network saw what made it answer as it did: a class-activation map.

Features are means over places: f = mean of A(y, x). While the same hidden units of a head are on, the logit
of its answer is w·f + c, with `Head.gradients` for w. So w·A(y, x), whose mean is that logit less c, is what
each place gave to the answer. Zhou et al., "Learning Deep Features for Discriminative Localization", CVPR
2016; for a head with a hidden layer, up to a constant factor, Selvaraju et al., "Grad-CAM", ICCV 2017.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

# 196 bytes a photo. Finer maps, of networks for more than 450 px, are reduced to it.
MAX_SIDE = 14
HIGHEST = 255
# The ninths of a photo as one says where something is.
NINTHS = (
    ("in the upper left", "in the upper middle", "in the upper right"),
    ("on the left", "in the middle", "on the right"),
    ("in the lower left", "in the lower middle", "in the lower right"),
)
# Of all that spoke for the answer: with this share one ninth of the photo tells most of it, or two together.
MOST = 0.4
MOST_OF_TWO = 0.55

Rows = list[list[int]]


def quantized(maps: npt.NDArray[np.float32]) -> list[bytes]:
    """Maps, (n, side, side), as they are stored: a byte for each place, row by row.

    255 is the place of a photo that spoke most for the answer, 0 one that did not, or spoke against it.
    """
    positive = np.maximum(_reduced(maps), 0)
    highest = positive.max(axis=(1, 2), keepdims=True)
    scaled = HIGHEST * (positive / np.where(highest > 0, highest, 1))
    return [grid.tobytes() for grid in np.rint(scaled).astype(np.uint8)]


def rows(stored: bytes) -> Rows:
    """A stored map as its rows, from the top."""
    side = math.isqrt(len(stored))
    return [list(stored[start : start + side]) for start in range(0, len(stored), side)]


def where(grid: Rows) -> str:
    """Where in the photo most of a map lies, in words that go on from a verb."""
    shares = _shares_of_ninths(grid)
    first, second = sorted(shares, key=lambda ninth: -shares[ninth])[:2]
    if shares[first] >= MOST:
        return f"mostly {first}"
    if shares[first] + shares[second] >= MOST_OF_TWO:
        return f"mostly {first} and {second}"
    return "spread over much of the photo" if shares[first] else "nowhere in particular"


def _shares_of_ninths(grid: Rows) -> dict[str, float]:
    """The share of the map in each ninth of the photo; a place on a border counts for both sides."""
    values = np.array(grid, dtype=np.float64)
    thirds = _thirds(len(grid))
    shares = thirds @ values @ thirds.T / max(values.sum(), 1.0)
    return {name: float(shares[y, x]) for y, line in enumerate(NINTHS) for x, name in enumerate(line)}


def _thirds(side: int) -> npt.NDArray[np.float64]:
    """How much of each of `side` places lies in each third of a line, (3, side)."""
    starts = np.arange(side) / side
    lows = np.arange(3)[:, np.newaxis] / 3
    overlap = np.minimum(starts + 1 / side, lows + 1 / 3) - np.maximum(starts, lows)
    shares: npt.NDArray[np.float64] = np.maximum(overlap, 0) * side
    return shares


def _reduced(maps: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Maps of at most MAX_SIDE places a side, each the mean of those it replaces."""
    side = maps.shape[1]
    if side <= MAX_SIDE:
        return maps
    edges = np.linspace(0, side, MAX_SIDE + 1).astype(np.intp)
    sums = np.add.reduceat(np.add.reduceat(maps, edges[:-1], axis=1), edges[:-1], axis=2)
    counts = np.diff(edges)
    means: npt.NDArray[np.float32] = (sums / np.outer(counts, counts)).astype(np.float32)
    return means
