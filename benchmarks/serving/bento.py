"""BentoML with adaptive batching."""

from __future__ import annotations

import os
from pathlib import Path

import bentoml
import numpy as np

from benchmarks.serving.network import MAX_BATCH, load

# Of a photo that waits for a full queue; nothing is refused in a measurement.
TIMEOUT_SECONDS = 120


@bentoml.service(workers=1, traffic={"timeout": TIMEOUT_SECONDS, "max_concurrency": 64})
class Network:
    """The engine."""

    def __init__(self) -> None:
        self.classifier = load(os.environ["BENCH_NETWORK"])
        size = self.classifier.engine.feature_space.image_size
        self.classifier.categories([np.zeros((size, size, 3), dtype=np.uint8)])

    @bentoml.api(batchable=True, max_batch_size=MAX_BATCH, max_latency_ms=1000 * TIMEOUT_SECONDS)
    def classify(self, photo: list[Path]) -> list[str]:
        """The categories of a batch of uploads."""
        return self.classifier.categories([self.classifier.decode(path.read_bytes()) for path in photo])
