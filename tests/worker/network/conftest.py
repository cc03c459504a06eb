"""Random base weights, in a file of ours and in those of Keras."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import h5py
import keras
import pytest

from shared.settings import Settings, load_settings
from tests.random_weights import random_arrays, write_random_weights


class Weights(NamedTuple):
    """A weights file and the digest of its numbers."""

    path: Path
    digest: str


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Weights:
    path = tmp_path_factory.mktemp("weights") / "random.npz"
    return Weights(path, write_random_weights(path))


@pytest.fixture
def settings(tmp_path: Path, weights: Weights) -> Settings:
    return load_settings(
        {
            "HANGTAG_DATA_DIR": str(tmp_path / "data"),
            "HANGTAG_BASE_WEIGHTS": str(weights.path),
            "HANGTAG_BASE_WEIGHTS_DIGEST": weights.digest,
            "HANGTAG_THREADS": "2",
        }
    )


@pytest.fixture(scope="session")
def keras_files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The random weights as Keras itself saves them, whole and inside another model."""
    folder = tmp_path_factory.mktemp("keras")
    xception = keras.applications.Xception(include_top=False, weights=None, input_shape=(71, 71, 3))
    xception.set_weights(random_arrays())
    around = keras.Sequential([keras.Input((71, 71, 3)), xception, keras.layers.GlobalAveragePooling2D()])
    files = {
        "weights": folder / "xception.weights.h5",
        "archive": folder / "xception.keras",
        "nested archive": folder / "around.keras",
        "older model": folder / "model.h5",
        "older weights": folder / "notop.h5",
    }
    xception.save_weights(files["weights"])
    xception.save(files["archive"])
    around.save(files["nested archive"])
    xception.save(files["older model"])
    # The file that Keras publishes holds at its top what a saved model holds in one group.
    with h5py.File(files["older model"]) as model, h5py.File(files["older weights"], "w") as only_weights:
        group = model["model_weights"]
        only_weights.attrs.update(group.attrs)
        for name in group:
            model.copy(group[name], only_weights)
    return files
