"""The training photos whose features point most nearly the same way as those of other photos."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from shared.models.evaluated import Neighbour

# As many as fit beside a photo and show whether their labels agree.
KEPT = 6
# Photos compared with all training photos at once: bounds memory to 256 x n similarities.
CHUNK = 256

Floats = npt.NDArray[np.float32]


class TrainingFeatures:
    """The features of training photos, (n, 2048), to be compared with those of others."""

    def __init__(self, digests: Sequence[str], features: Floats) -> None:
        self._digests = digests
        self._unit = unit_vectors(features)

    def nearest(self, features: Floats) -> list[list[Neighbour]]:
        """For each of m photos with `features`, (m, 2048), the most similar training photos in order."""
        found: list[list[Neighbour]] = []
        for start in range(0, len(features), CHUNK):
            similar = unit_vectors(features[start : start + CHUNK]) @ self._unit.T
            order = np.argsort(-similar, axis=1, kind="stable")[:, :KEPT]
            found += [
                [(self._digests[place], round(float(row[place]), 4)) for place in places]
                for places, row in zip(order, similar, strict=True)
            ]
        return found


def unit_vectors(features: Floats) -> Floats:
    """The same directions with length 1."""
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    unit: Floats = features / np.maximum(lengths, np.finfo(np.float32).tiny)
    return unit
