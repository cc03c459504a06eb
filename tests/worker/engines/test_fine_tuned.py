"""An engine on fine-tuned layers: built and compared like any other, and refused when they are not whole."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from shared.blobs import BlobStore, layers_key
from shared.errors import ChecksumError
from shared.models.feature_space import FeatureSpace
from shared.models.layers import store_layers
from shared.settings import Settings
from tests.random_weights import random_arrays
from tests.worker.engines.conftest import SIDE
from worker.engines.choose import load_engine
from worker.engines.drawn_photos import draw_photos
from worker.engines.parity import compare
from worker.network.base_weights import ensure_base_weights
from worker.network.version_weights import load_weights
from worker.network.xception import build_backbone

# The arrays of block 14.
TUNED = 12


def test_fine_tuned_layers_serve_on_openvino_in_a_space_of_their_own(
    settings: Settings, space: FeatureSpace
) -> None:
    base, others = random_arrays(), random_arrays(seed=8)
    digest = store_layers(BlobStore(settings.blob_url), tuple(others[-TUNED:]))
    tuned = dataclasses.replace(space, layers_digest=digest)
    pictures = draw_photos(SIDE, 6)

    engine = load_engine(settings, tuned)
    expected = build_backbone(SIDE, [*base[:-TUNED], *others[-TUNED:]]).predict(pictures, verbose=0)

    assert (engine.name, engine.feature_space) == ("openvino", tuned)
    assert tuned.key != space.key
    assert compare(expected, engine.features(pictures)).passed
    plain = build_backbone(SIDE, base).predict(pictures, verbose=0)
    assert not compare(plain, engine.features(pictures)).passed


@pytest.mark.parametrize(
    "layers",
    [(np.ones((3, 3), np.float32),), tuple(random_arrays()[-TUNED - 1 :][:TUNED])],
    ids=["one", "shifted"],
)
def test_layers_that_fit_no_place_are_refused(
    settings: Settings, space: FeatureSpace, layers: tuple[np.ndarray, ...]
) -> None:
    digest = store_layers(BlobStore(settings.blob_url), layers)
    tuned = dataclasses.replace(space, layers_digest=digest)
    with pytest.raises(ChecksumError, match="do not fit"):
        load_weights(settings, tuned, ensure_base_weights(settings))


def test_layers_that_changed_since_they_were_registered_are_refused(
    settings: Settings, space: FeatureSpace
) -> None:
    blobs = BlobStore(settings.blob_url)
    digest = store_layers(blobs, tuple(random_arrays(seed=9)[-TUNED:]))
    blobs.put(layers_key(digest), b"something else")
    with pytest.raises(ChecksumError):
        load_weights(
            settings, dataclasses.replace(space, layers_digest=digest), ensure_base_weights(settings)
        )
