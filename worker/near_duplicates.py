"""Photos that look nearly the same to the network."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

# Photos compared with all others at once: bounds memory to 512 x n similarities.
CHUNK = 512
# More pairs than anybody looks at; a set of copies of one photo would otherwise fill memory.
MOST_PAIRS = 20_000


@dataclass(frozen=True, slots=True)
class NearPair:
    """Two photos by their places in the list, and the cosine of the angle between their features."""

    first: int
    second: int
    similarity: float


def near_pairs(features: npt.NDArray[np.float32], at_least: float) -> list[NearPair]:
    """All pairs of photos whose features, (n, 2048), are at least this similar, the most similar first.

    Of more than MOST_PAIRS the first found are kept.
    """
    norms = np.linalg.norm(features, axis=1, keepdims=True)
    unit = features / np.maximum(norms, np.finfo(np.float32).tiny)
    found: list[NearPair] = []
    for pair in _pairs(unit, at_least):
        found.append(pair)
        if len(found) == MOST_PAIRS:
            break
    return sorted(found, key=lambda pair: -pair.similarity)


def _pairs(unit: npt.NDArray[np.float32], at_least: float) -> Iterator[NearPair]:
    for start in range(0, len(unit), CHUNK):
        similar = unit[start : start + CHUNK] @ unit[start:].T
        for row, column in np.argwhere(np.triu(similar, k=1) >= at_least):
            yield NearPair(start + int(row), start + int(column), float(similar[row, column]))
