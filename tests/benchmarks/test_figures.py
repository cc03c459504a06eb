"""What benchmarks make of measured values."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from benchmarks.bare import bare_rate
from benchmarks.figures import percentile
from worker.engines.engine import Engine


@pytest.mark.parametrize(
    ("share", "value"), [(0.01, 1), (0.05, 1), (0.5, 10), (0.51, 11), (0.95, 19), (0.99, 20), (1.0, 20)]
)
def test_a_percentile_is_the_smallest_value_that_so_many_do_not_exceed(share: float, value: float) -> None:
    assert percentile([*range(20, 0, -1)], share) == value


@pytest.mark.parametrize("photos", [1, 4, 6])
def test_the_bare_engine_sees_whole_batches_however_few_photos_there_are(photos: int) -> None:
    batches: list[int] = []

    def features(pixels: Any) -> None:
        batches.append(len(pixels))

    engine = cast("Engine", SimpleNamespace(preferred_batch=4, features=features))
    assert bare_rate(engine, np.zeros((photos, 2, 2, 3), np.uint8), 9) > 0
    assert set(batches) == {min(photos, 4)}
    assert 9 <= sum(batches) < 9 + 4
