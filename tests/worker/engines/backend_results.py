"""What the network and a training give on the backend that Keras runs on here.

`python -m tests.worker.engines.backend_results FILE` writes it for the backend that KERAS_BACKEND names.
Keras takes one for good when it is imported, which happens here before the product asks for TensorFlow.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np

from shared.models.feature_space import FeatureSpace
from shared.models.hyperparameters import FineTuning, HyperParameters
from shared.settings import Settings, load_settings
from tests.factories import random_head
from worker.engines.drawn_photos import draw_photos
from worker.engines.keras_engine import load_keras_engine
from worker.network.base_weights import ensure_base_weights
from worker.network.split import split_network
from worker.network.version_weights import load_weights
from worker.training.fine_tune import MappedPhotos, fine_tune
from worker.training.fit import train_head
from worker.training.trunk import compiled_trunk

SIDE = 71
PHOTOS = draw_photos(SIDE, 8)
PARAMETERS = HyperParameters(
    image_size=SIDE,
    epochs=8,
    batch_size=8,
    patience=0,
    fine_tuning=FineTuning(from_block=14, epochs=1),
)


def results(settings: Settings) -> dict[str, Any]:
    """Photos are answered, a head is trained on drawn features, the last block is fine-tuned with it."""
    space = FeatureSpace(settings.base_weights_digest, SIDE)
    weights = ensure_base_weights(settings)
    engine = load_keras_engine(settings, space, weights)
    features, maps = engine.explain(PHOTOS).result(random_head().gradients)

    told: list[float] = []
    follow: dict[str, Any] = {
        "parameters": PARAMETERS,
        "on_epoch": lambda metrics: told.append(metrics.accuracy),
        "should_stop": lambda: False,
    }
    drawn = np.random.default_rng(1).normal(size=(64, features.shape[1])).astype(np.float32)
    labels = (drawn[:, 0] > 0).astype(int)
    first = train_head(drawn, labels, drawn, labels, 2, **follow)
    network = split_network(SIDE, load_weights(settings, space, weights), PARAMETERS.fine_tuning.from_block)
    before = network.layers()
    trunk = np.asarray(compiled_trunk(network)(PHOTOS))
    seen = MappedPhotos(trunk, labels[: len(PHOTOS)])
    tuned = fine_tune(network, first, seen, seen, 2, **follow)
    return {
        "backend": keras.backend.backend(),
        "features": features,
        "maps": maps,
        "trunk": trunk,
        "accuracy": np.array(told[: PARAMETERS.epochs]),
        "moved": max(np.abs(new - old).max() for new, old in zip(tuned.layers, before, strict=True)),
    }


if __name__ == "__main__":
    np.savez(Path(sys.argv[1]), **results(load_settings()))
