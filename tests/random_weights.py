"""Random base weights for tests: the real Xception, told nothing, with features that differ between photos.

`python -m tests.random_weights OUT.npz` writes them and prints the digest for HANGTAG_BASE_WEIGHTS_DIGEST.
Needs no TensorFlow and about a second.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from worker.network.weight_arrays import LAYER_ORDER, Arrays, digest_of, write_arrays

SEED = 7
# Channels in and out of each layer with a kernel, in get_weights() order. Chollet 2017, figure 5.
PLAIN = ((3, 32), (32, 64), (64, 128), (128, 256), (256, 728), (728, 1024))
SEPARABLE = (
    *((64, 128), (128, 128), (128, 256), (256, 256), (256, 728), (728, 728)),
    *((728, 728),) * 24,
    *((728, 728), (728, 1024), (1024, 1536), (1536, 2048)),
)
# The first two plain convolutions see 3 by 3 pixels; the others are shortcuts, which see one.
PLAIN_SIDES = (3, 3, 1, 1, 1, 1)


def random_arrays(seed: int = SEED) -> Arrays:
    """Return Xception's 234 arrays in `get_weights()` order, the same ones for the same seed."""
    random = np.random.default_rng(seed)
    plain = zip(PLAIN, PLAIN_SIDES, strict=True)
    separable = iter(SEPARABLE)
    arrays: Arrays = []
    channels = 3
    for kind in LAYER_ORDER:
        if kind == "conv2d":
            (before, channels), side = next(plain)
            arrays.append(_kernel(random, (side, side, before, channels), side * side * before))
        elif kind == "separable_conv2d":
            before, channels = next(separable)
            # The two kernels of a separable convolution share one activation, hence one doubling.
            arrays.append(_kernel(random, (3, 3, before, 1), 2 * 9))
            arrays.append(_kernel(random, (1, 1, before, channels), before))
        else:
            arrays.extend(_normalization(random, channels))
    return arrays


def _kernel(random: np.random.Generator, shape: tuple[int, ...], inputs: int) -> npt.NDArray[np.float32]:
    """He et al. 2015: with this scale a signal keeps its size through any number of ReLU layers."""
    return random.standard_normal(shape, dtype=np.float32) * np.float32(np.sqrt(2 / inputs))


def _normalization(random: np.random.Generator, channels: int) -> Iterator[npt.NDArray[np.float32]]:
    """Gamma, beta, mean and variance, none of them neutral: an engine that skips one is noticed."""
    for low, high in ((0.6, 1.0), (-0.2, 0.2), (-0.2, 0.2), (0.7, 1.3)):
        yield random.uniform(low, high, channels).astype(np.float32)


def write_random_weights(path: Path, seed: int = SEED) -> str:
    """Write `random_arrays` to the `.npz` file `path` and return their digest."""
    arrays = random_arrays(seed)
    write_arrays(path, arrays)
    return digest_of(arrays)


if __name__ == "__main__":
    sys.stdout.write(write_random_weights(Path(sys.argv[1])) + "\n")
