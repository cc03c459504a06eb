"""How fast an engine works through photos on this machine, for forecasts and for the promotion gate."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from worker.engines.engine import Engine

# Long enough that a busy second does not decide, short beside any training.
MEASURED_SECONDS = 1.0


def measure_speed(engine: Engine) -> dict[str, Any]:
    """Photos per second through the backbone in the engine's own batches, and by which engine and where.

    Grey pictures serve: the time of a network does not depend on what it sees. One batch is not counted,
    because the first of a shape may compile.
    """
    size = engine.feature_space.image_size
    batch = np.full((engine.preferred_batch, size, size, 3), 127, np.uint8)
    engine.features(batch)
    started = time.perf_counter()
    done = 0
    while (elapsed := time.perf_counter() - started) < MEASURED_SECONDS:
        engine.features(batch)
        done += len(batch)
    return {
        "photos_per_second": round(done / elapsed, 2),
        "engine": engine.name,
        "device": engine.device,
    }
