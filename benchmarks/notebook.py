"""The plain notebook way to train a head: the whole frozen network runs again in every epoch.

It brings TensorFlow into the process that calls it.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BATCH = 32
# As published: an inner layer of 100, its dropout and rate. None of them changes what an epoch costs.
HIDDEN_UNITS, DROPOUT, LEARNING_RATE = 100, 0.2, 0.001


@dataclass(frozen=True, slots=True)
class Epoch:
    """What one epoch took, its validation pass included, and over how many photos it went."""

    seconds: float
    photos: int
    validation_photos: int


def measured_epoch(photos: Path, image_size: int, weights: Path) -> Epoch:
    """Measure one epoch of `model.fit` over the folders train/ and validation/ of `photos`.

    A step is trained and validated before, so that compiling the model is not part of the epoch.

    Args:
        weights: the file of `worker.network.base_weights.cache_path`.
    """
    os.environ.update(KERAS_BACKEND="tensorflow", TF_CPP_MIN_LOG_LEVEL="2")
    train, validation = (_photos(photos / side, image_size) for side in ("train", "validation"))
    model = _model(image_size, weights, len(train.class_names))
    # shuffle=False: the data set shuffles itself, and Keras warns otherwise.
    model.fit(train.take(1), validation_data=validation.take(1), shuffle=False, verbose=0)
    began = time.perf_counter()
    model.fit(train, validation_data=validation, shuffle=False, verbose=0)
    seconds = time.perf_counter() - began
    return Epoch(seconds, len(train.file_paths), len(validation.file_paths))


def _photos(folder: Path, image_size: int) -> Any:
    import keras  # noqa: PLC0415 - only in the child that measures

    return keras.utils.image_dataset_from_directory(
        folder,
        label_mode="categorical",
        image_size=(image_size, image_size),
        batch_size=BATCH,
        seed=1,
        verbose=False,
    )


def _model(image_size: int, weights: Path, classes: int) -> Any:
    import keras  # noqa: PLC0415 - only in the child that measures

    from worker.network.base_weights import load_base_weights  # noqa: PLC0415 - the same
    from worker.network.xception import build_xception, scaled  # noqa: PLC0415 - the same

    xception = build_xception(image_size, load_base_weights(weights))
    xception.trainable = False
    pixels = keras.Input((image_size, image_size, 3))
    features = keras.layers.GlobalAveragePooling2D()(xception(scaled(pixels), training=False))
    hidden = keras.layers.Dense(HIDDEN_UNITS, activation="relu")(features)
    logits = keras.layers.Dense(classes)(keras.layers.Dropout(DROPOUT)(hidden))
    model = keras.Model(pixels, logits)
    model.compile(
        optimizer=keras.optimizers.Adam(LEARNING_RATE),
        loss=keras.losses.CategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return model
