"""The backbone in two parts: the blocks that stay frozen, and those above them that fine-tuning trains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import keras
import numpy as np
import numpy.typing as npt

from worker.network.xception import build_xception, scaled

# The first layer of each block on its main path; the shortcut beside it has the same input. Blocks 3 to 13
# begin with an activation (Chollet 2017, figure 5).
FIRST_LAYERS = {1: "block1_conv1", 2: "block2_sepconv1", 14: "block14_sepconv1"} | {
    block: f"block{block}_sepconv1_act" for block in range(3, 14)
}


@dataclass(frozen=True, slots=True, eq=False)
class SplitNetwork:
    """`trunk` takes pixels (n, S, S, 3) to maps, `tail` takes these maps to features (n, 2048), float32.

    Only the kernels of the tail are trainable; BatchNormalization stays as it is, in inference mode.
    """

    trunk: keras.Model
    tail: keras.Model
    _xception: keras.Model
    _first: int

    @property
    def map_shape(self) -> tuple[int, ...]:
        """The shape of one photo between the two parts."""
        return tuple(int(side) for side in self.tail.input_shape[1:])

    def layers(self) -> tuple[npt.NDArray[np.float32], ...]:
        """The arrays of the tail as they are now: the last ones of `get_weights()` of the whole."""
        return tuple(np.array(array, np.float32) for array in self._xception.get_weights()[self._first :])


def split_network(
    image_size: int, arrays: Sequence[npt.NDArray[np.float32]], from_block: int
) -> SplitNetwork:
    """Build Xception from its 234 arrays and cut it below block `from_block` (1 to 14).

    Raises:
        BaseWeightsError: the arrays do not fit Xception.
    """
    xception = build_xception(image_size, arrays)
    cut = xception.get_layer(FIRST_LAYERS[from_block]).input
    below = keras.Model(xception.input, cut)
    above = keras.Model(cut, xception.output)
    frozen = {id(layer) for layer in below.layers}
    for layer in xception.layers:
        # Keras runs a BatchNormalization in inference mode when it is not trainable, and only then: an outer
        # model that is trained overrides training=False of a call inside it (seen with Keras 3.15).
        normalizes = isinstance(layer, keras.layers.BatchNormalization)
        layer.trainable = id(layer) not in frozen and not normalizes
    pixels = keras.Input((image_size, image_size, 3), name="pixels")
    maps = keras.Input(cut.shape[1:], name="maps")
    features = keras.layers.GlobalAveragePooling2D(dtype="float32", name="features")(
        above(maps, training=False)
    )
    return SplitNetwork(
        keras.Model(pixels, below(scaled(pixels)), name="trunk"),
        keras.Model(maps, features, name="tail"),
        xception,
        len(below.weights),
    )
