"""The frozen backbone: Xception without its top, from pixels to 2048 numbers, in plain Keras 3.

Chollet, "Xception: Deep Learning with Depthwise Separable Convolutions", CVPR 2017.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import keras
import numpy as np
import numpy.typing as npt

from shared.errors import BaseWeightsError

# Maps 0..255 to -1..1, what the ImageNet weights were trained on. Part of shared PREPROCESSING_VERSION.
SCALE = 1 / 127.5
OFFSET = -1.0
# The layer under which Xception itself is found, for those who unfreeze a part of it.
XCEPTION_LAYER = "xception"
# What averages its maps, (None, side, side, 2048), into features.
POOLING_LAYER = "features"


def build_backbone(
    image_size: int | None, arrays: Sequence[npt.NDArray[np.float32]], precision: str = "float32"
) -> keras.Model:
    """Build the frozen network from pixels to features.

    Args:
        image_size: side S of the square input in pixels; None builds a network for pictures of any size.
        arrays: Xception's 234 arrays in `get_weights()` order (`load_base_weights`).
        precision: the Keras dtype policy of Xception's layers, "mixed_float16" on a GPU.

    Returns:
        A model from (None, S, S, 3) RGB, uint8 or float, 0 to 255, to (None, 2048) float32. It is not
        trainable and its BatchNormalization stays in inference mode, also inside a model that is trained.

    Raises:
        BaseWeightsError: the arrays do not fit Xception.
    """
    pixels = keras.Input((image_size, image_size, 3), name="pixels")
    with _dtype_policy(precision):
        xception = build_xception(image_size, arrays)
    xception.trainable = False
    # Averaging stays in float32: half precision would round the average of 100 positions.
    maps = xception(scaled(pixels), training=False)
    features = keras.layers.GlobalAveragePooling2D(dtype="float32", name=POOLING_LAYER)(maps)
    return keras.Model(pixels, features, name="backbone")


def with_maps(backbone: keras.Model) -> keras.Model:
    """The network of `build_backbone` that also gives the maps its features are the means of."""
    maps = backbone.get_layer(POOLING_LAYER).input
    return keras.Model(backbone.input, [backbone.output, maps])


def build_xception(image_size: int | None, arrays: Sequence[npt.NDArray[np.float32]]) -> keras.Model:
    """Xception itself, from scaled pixels to maps, with these 234 arrays.

    Raises:
        BaseWeightsError: the arrays do not fit Xception.
    """
    xception = keras.applications.Xception(
        include_top=False, weights=None, input_shape=(image_size, image_size, 3), name=XCEPTION_LAYER
    )
    try:
        xception.set_weights(list(arrays))
    except ValueError as error:
        raise BaseWeightsError(f"These arrays do not fit Xception without its top: {error}") from error
    return xception


def scaled(pixels: keras.KerasTensor) -> keras.KerasTensor:
    """Pixels from 0 to 255 as Xception takes them. In float32: half precision would round them."""
    return keras.layers.Rescaling(SCALE, offset=OFFSET, dtype="float32", name="scaled")(pixels)


@contextmanager
def _dtype_policy(name: str) -> Iterator[None]:
    """keras.applications takes its precision from a global, which is put back here."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
