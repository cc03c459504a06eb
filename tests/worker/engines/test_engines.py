"""Both engines give the same answers, for any number of photos, and only to what they take."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from shared.models.feature_space import FeatureSpace
from shared.settings import Settings
from tests.factories import random_head
from tests.worker.engines.conftest import SIDE
from worker.engines.drawn_photos import draw_photos
from worker.engines.engine import Engine
from worker.engines.keras_engine import load_keras_engine
from worker.engines.openvino_engine import load_openvino_engine
from worker.engines.parity import compare
from worker.network.base_weights import ensure_base_weights

PHOTOS = draw_photos(SIDE, 19)


@pytest.fixture(scope="session")
def engines(settings: Settings, space: FeatureSpace, built: Path) -> dict[str, Engine]:
    return {
        "keras": load_keras_engine(settings, space, ensure_base_weights(settings)),
        "openvino": load_openvino_engine(settings, space),
    }


@pytest.fixture(scope="session")
def one_by_one(engines: dict[str, Engine]) -> npt.NDArray[np.float32]:
    return np.concatenate([engines["keras"].features(PHOTOS[i : i + 1]) for i in range(len(PHOTOS))])


@pytest.mark.parametrize("name", ["keras", "openvino"])
@pytest.mark.parametrize("count", [1, 2, 3, 8, 19])
def test_any_number_of_photos_is_answered_in_order(
    name: str, count: int, engines: dict[str, Engine], one_by_one: npt.NDArray[np.float32]
) -> None:
    features = engines[name].features(PHOTOS[:count])

    assert features.shape == (count, 2048)
    assert features.dtype == np.float32
    np.testing.assert_allclose(features, one_by_one[:count], rtol=1e-3, atol=1e-4)


def test_openvino_answers_as_keras_does(engines: dict[str, Engine]) -> None:
    parity = compare(engines["keras"].features(PHOTOS), engines["openvino"].features(PHOTOS))

    assert parity.passed
    assert parity.max_relative_error < 1e-4


@pytest.mark.parametrize("count", [1, 19])
def test_both_engines_say_the_same_about_where_what_counts_was_seen(
    count: int, engines: dict[str, Engine], one_by_one: npt.NDArray[np.float32]
) -> None:
    head = random_head()
    maps = {}
    for name, engine in engines.items():
        features, maps[name] = engine.explain(PHOTOS[:count]).result(head.gradients)
        np.testing.assert_allclose(features, one_by_one[:count], rtol=1e-3, atol=1e-4)
        given = (features * head.gradients(features)).sum(axis=1)
        np.testing.assert_allclose(maps[name].mean(axis=(1, 2)), given, rtol=1e-3, atol=1e-4)

    assert maps["keras"].shape == (count, 3, 3)
    np.testing.assert_allclose(maps["openvino"], maps["keras"], rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("name", ["keras", "openvino"])
def test_an_engine_says_what_it_is(name: str, engines: dict[str, Engine], space: FeatureSpace) -> None:
    engine = engines[name]

    assert (engine.name, engine.feature_space) == (name, space)
    assert engine.device.startswith(("CPU", "GPU"))
    assert engine.preferred_batch >= 8


@pytest.mark.parametrize("name", ["keras", "openvino"])
@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((0, SIDE, SIDE, 3), dtype=np.uint8),
        np.zeros((SIDE, SIDE, 3), dtype=np.uint8),
        np.zeros((1, SIDE + 1, SIDE, 3), dtype=np.uint8),
        np.zeros((1, SIDE, SIDE, 3), dtype=np.float32),
    ],
    ids=["no photo", "no batch", "another size", "not bytes"],
)
def test_pixels_of_another_shape_or_type_are_refused(
    name: str, pixels: npt.NDArray[np.uint8], engines: dict[str, Engine]
) -> None:
    with pytest.raises(ValueError, match=r"takes uint8 of the shape"):
        engines[name].features(pixels)
    with pytest.raises(ValueError, match=r"takes uint8 of the shape"):
        engines[name].explain(pixels)


def test_half_precision_is_compared_with_full_precision_before_it_serves(
    settings: Settings, space: FeatureSpace, one_by_one: npt.NDArray[np.float32]
) -> None:
    half = load_keras_engine(settings, space, ensure_base_weights(settings), precision="mixed_float16")

    parity = compare(one_by_one[:4], half.features(PHOTOS[:4]))
    assert parity.passed
    assert parity.max_relative_error > 1e-6  # it did compute in half precision
