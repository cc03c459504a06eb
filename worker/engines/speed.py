"""How fast an engine works through photos on this machine: for forecasts, the gate and `hangtag bench`."""

from __future__ import annotations

import statistics
import time
from typing import Any

import numpy as np
import numpy.typing as npt

from worker.engines.engine import Engine

# Long enough that a busy second does not decide, short beside any training.
MEASURED_SECONDS = 1.0
# Enough for a middle that one disturbed pass does not move.
LONE_PASSES = 15


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


def measure_alone(engine: Engine) -> float:
    """Milliseconds of one pass with one photo, the middle of several: the least that a lone seller waits."""
    photo = np.full((1, engine.feature_space.image_size, engine.feature_space.image_size, 3), 127, np.uint8)
    engine.features(photo)
    return round(statistics.median(_milliseconds(engine, photo) for _ in range(LONE_PASSES)), 1)


def _milliseconds(engine: Engine, pixels: npt.NDArray[np.uint8]) -> float:
    started = time.perf_counter()
    engine.features(pixels)
    return (time.perf_counter() - started) * 1000
