"""The two files in which Keras publishes the whole network, made by Keras itself, with random numbers."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import keras
import numpy as np

from tests.random_weights import random_arrays
from worker.network.imagenet_top import LABELS, WEIGHTS

LABEL_COUNT = 1000
SIDE = 71


def write_imagenet_files(folder: Path, seed: int | None = None) -> keras.Model:
    """Write both into `folder` and return the whole network. `seed` draws other numbers below the top."""
    network = keras.applications.Xception(weights=None, input_shape=(SIDE, SIDE, 3))
    random = np.random.default_rng(11)
    top = [random.normal(0, 0.3, (2048, LABEL_COUNT)).astype("float32"), np.zeros(LABEL_COUNT, "float32")]
    network.set_weights([*(random_arrays() if seed is None else random_arrays(seed)), *top])
    folder.mkdir(parents=True, exist_ok=True)
    model = folder / "model.h5"
    network.save(model)
    # The file that Keras publishes holds at its top what a saved model holds in one group.
    with h5py.File(model) as saved, h5py.File(folder / WEIGHTS.name, "w") as published:
        group = saved["model_weights"]
        published.attrs.update(group.attrs)
        for name in group:
            saved.copy(group[name], published)
    model.unlink()
    write_labels(folder)
    return network


def write_labels(folder: Path) -> None:
    """Write the list of labels; as in the real one, two of them have the same name."""
    names = ["crane" if number in (134, 517) else f"thing_{number}" for number in range(LABEL_COUNT)]
    index = {str(number): [f"n{number:08}", name] for number, name in enumerate(names)}
    (folder / LABELS.name).write_text(json.dumps(index))
