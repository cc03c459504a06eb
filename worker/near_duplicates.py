"""Photos that look nearly the same to the network."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from worker.nearest import Floats, unit_vectors

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


def near_pairs(features: Floats, at_least: float, sides: Sequence[str]) -> list[NearPair]:
    """All pairs of photos whose features, (n, 2048), are at least this similar, the most similar first.

    Of more than MOST_PAIRS between the same two of `sides`, (n,), the first found are kept: many copies of
    one training photo do not hide that another one is in the test.
    """
    unit = unit_vectors(features)
    names, side = np.unique(np.array(sides), return_inverse=True)
    found: dict[int, list[NearPair]] = defaultdict(list)
    for start in range(0, len(unit), CHUNK):
        similar = unit[start : start + CHUNK] @ unit[start:].T
        rows, columns = np.nonzero(np.triu(similar, k=1) >= at_least)
        first, second = side[start + rows], side[start + columns]
        between = np.minimum(first, second) * len(names) + np.maximum(first, second)
        for kind in np.unique(between):
            for at in np.flatnonzero(between == kind)[: MOST_PAIRS - len(found[kind])]:
                row, column = int(rows[at]), int(columns[at])
                found[kind].append(NearPair(start + row, start + column, float(similar[row, column])))
    return sorted(itertools.chain(*found.values()), key=lambda pair: -pair.similarity)
