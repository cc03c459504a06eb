"""The weights of a feature space: the base weights, with fine-tuned layers in the place of the last ones."""

from __future__ import annotations

from pathlib import Path

from shared.blobs import BlobStore
from shared.errors import ChecksumError
from shared.models.feature_space import FeatureSpace
from shared.models.layers import load_layers
from shared.settings import Settings
from worker.network.base_weights import load_base_weights
from worker.network.weight_arrays import Arrays


def load_weights(settings: Settings, space: FeatureSpace, base: Path) -> Arrays:
    """Xception's 234 arrays in `get_weights()` order as `space` has them; `base` is a base weights file.

    Raises:
        BaseWeightsError: the file of base weights is damaged.
        BlobMissingError: the fine-tuned layers are gone.
        ChecksumError: the fine-tuned layers are not those that were registered, or fit no place.
    """
    arrays = load_base_weights(base)
    if not space.layers_digest:
        return arrays
    layers = load_layers(BlobStore(settings.blob_url), space.layers_digest)
    replaced = arrays[len(arrays) - len(layers) :]
    if [array.shape for array in replaced] != [array.shape for array in layers]:
        raise ChecksumError("The fine-tuned layers of this version do not fit the network.")
    return [*arrays[: len(arrays) - len(layers)], *layers]
