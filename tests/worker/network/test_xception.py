"""The backbone: what goes in, what comes out, and that it stays as it is."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from shared.errors import BaseWeightsError
from tests.random_weights import random_arrays
from worker.engines.drawn_photos import draw_photos
from worker.network.weight_arrays import digest_of
from worker.network.xception import XCEPTION_LAYER, build_backbone

SIDE = 71


@pytest.fixture(scope="module")
def backbone() -> keras.Model:
    return build_backbone(SIDE, random_arrays())


def test_photos_become_2048_different_numbers(backbone: keras.Model) -> None:
    features = np.asarray(backbone(draw_photos(SIDE, 3)))

    assert features.shape == (3, 2048)
    assert features.dtype == np.float32
    assert not np.allclose(features[0], features[1], rtol=0.05)


def test_bytes_and_fractions_mean_the_same(backbone: keras.Model) -> None:
    pixels = draw_photos(SIDE, 2)

    as_bytes, as_floats = np.asarray(backbone(pixels)), np.asarray(backbone(pixels.astype(np.float32)))

    np.testing.assert_array_equal(as_bytes, as_floats)


def test_pixels_are_scaled_as_imagenet_weights_expect(backbone: keras.Model) -> None:
    scaled = keras.Model(backbone.input, backbone.get_layer("scaled").output)
    picture = np.zeros((1, SIDE, SIDE, 3), dtype=np.uint8)
    picture[0, 0, 0] = (0, 51, 255)

    np.testing.assert_allclose(np.asarray(scaled(picture))[0, 0, 0], [-1.0, -0.6, 1.0], atol=1e-6)


def test_training_a_model_around_it_leaves_it_as_it_was(backbone: keras.Model) -> None:
    before = digest_of(backbone.get_layer(XCEPTION_LAYER).get_weights())
    model = keras.Sequential([backbone, keras.layers.Dense(2)])
    model.compile("sgd", "mse")

    model.fit(draw_photos(SIDE, 4), np.zeros((4, 2)), batch_size=4, verbose=0)

    assert backbone.trainable_weights == []
    assert digest_of(backbone.get_layer(XCEPTION_LAYER).get_weights()) == before


def test_half_precision_leaves_the_default_precision_alone() -> None:
    half = build_backbone(SIDE, random_arrays(), precision="mixed_float16")

    assert half.get_layer(XCEPTION_LAYER).output.dtype == "float16"
    assert half.output.dtype == "float32"
    assert keras.config.dtype_policy().name == "float32"


def test_one_network_for_pictures_of_any_size() -> None:
    any_size = build_backbone(None, random_arrays())

    assert any_size.input.shape == (None, None, None, 3)
    assert np.asarray(any_size(draw_photos(80, 1))).shape == (1, 2048)


def test_arrays_of_another_network_are_refused() -> None:
    with pytest.raises(BaseWeightsError, match="do not fit Xception"):
        build_backbone(SIDE, random_arrays()[:-1])
