"""The champion of a data folder as the rivals load it: JPEG in, category out, computed by our engines.

Only the serving around it differs. HANGTAG_DATA_DIR names the data folder; the engine is "tensorflow" (a
compiled function) or "int8" (OpenVINO, 8 bits), for rivals the one that BENCH_NETWORK names.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from shared.blobs import BlobStore
from shared.database import Database
from shared.models import engine_gates, registry
from shared.models.head import Head
from shared.photos.pixels import read_pixels
from shared.settings import load_settings
from shared.tables import ModelVersion
from worker.engines.engine import Engine
from worker.network.base_weights import ensure_base_weights

# As many as a request waits for at most; more gained nothing for any of them.
MAX_BATCH = 16
# How long a batch waits to fill, in seconds: a fraction of what it takes to compute.
BATCH_WAIT = 0.05


@dataclass(frozen=True, slots=True)
class Classifier:
    """One engine, one head."""

    engine: Engine
    head: Head
    classes: Sequence[str]

    def decode(self, photo: bytes) -> npt.NDArray[np.uint8]:
        """One JPEG as the network takes it."""
        return read_pixels(photo, self.engine.feature_space.image_size)

    def categories(self, pixels: Sequence[npt.NDArray[np.uint8]]) -> list[str]:
        """The category of each photo of a batch."""
        chosen = self.head.logits(self.engine.features(np.stack(pixels))).argmax(axis=1)
        return [self.classes[index] for index in chosen]


def load(network: str) -> Classifier:
    """The champion on "tensorflow" or "int8"."""
    version, head, network_digest = _champion()
    space = registry.space_of(version)
    settings = load_settings()
    if network == "int8":
        # Each engine is imported only where it is used: together they would take the memory of both.
        from worker.engines.openvino_engine import load_int8_engine  # noqa: PLC0415

        engine: Engine = load_int8_engine(settings, BlobStore(settings.blob_url), space, network_digest)
    else:
        from worker.engines.keras_engine import load_keras_engine  # noqa: PLC0415

        engine = load_keras_engine(settings, space, ensure_base_weights(settings))
    return Classifier(engine, head, version.classes)


def load_keras_model() -> tuple[Any, int, Sequence[str]]:
    """The champion as one Keras model from pixels to probabilities, its image size and its classes."""
    from worker.network.tensorflow_setup import prepare_tensorflow  # noqa: PLC0415 - it sets threads first

    settings = load_settings()
    prepare_tensorflow(settings.threads)
    import keras  # noqa: PLC0415

    from worker.network.version_weights import load_weights  # noqa: PLC0415
    from worker.network.xception import build_backbone  # noqa: PLC0415

    version, head, _ = _champion()
    arrays = load_weights(settings, registry.space_of(version), ensure_base_weights(settings))
    layers: list[Any] = [build_backbone(version.image_size, arrays)]
    if head.hidden_kernel is not None:
        layers.append(keras.layers.Dense(head.hidden_kernel.shape[1], activation="relu"))
    layers.append(keras.layers.Dense(head.class_count, activation="softmax"))
    model = keras.Sequential(layers)
    model.build((None, version.image_size, version.image_size, 3))
    if head.hidden_kernel is not None:
        layers[1].set_weights([head.hidden_kernel, head.hidden_bias])
    layers[-1].set_weights([head.logits_kernel, head.logits_bias])
    return model, version.image_size, version.classes


def _champion() -> tuple[ModelVersion, Head, str]:
    settings = load_settings()
    database = Database(settings.database_url)
    try:
        with database.read() as session:
            version = registry.require_champion(session)
            gate = engine_gates.of(session, version.number)
    finally:
        database.close()
    digest = gate.network_digest if gate is not None and gate.passed else None
    if digest is None:
        raise SystemExit("The champion has no int8 engine that passed its gate; see benchmarks/README.md.")
    return version, registry.load_head(BlobStore(settings.blob_url), version), digest
