"""An engine by itself, which what is measured is compared with."""

from __future__ import annotations

import time

import numpy as np
import numpy.typing as npt

from worker.engines.engine import Engine


def bare_rate(engine: Engine, pixels: npt.NDArray[np.uint8], count: int) -> float:
    """Photos per second of the engine alone, of `count` at least, in batches of the size it prefers.

    It is fed with ready arrays, (n, side, side, 3), again and again.
    """
    places = max(1, len(pixels) - engine.preferred_batch + 1)
    began = time.perf_counter()
    done = 0
    while done < count:
        part = pixels[done % places :][: engine.preferred_batch]
        engine.features(part)
        done += len(part)
    return done / (time.perf_counter() - began)
