"""The arrays of Xception's base weights: their digest, their cache file, their order. Needs no TensorFlow."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Arrays: TypeAlias = list[npt.NDArray[np.float32]]

# The arrays of each kind of layer: kernel; depthwise and pointwise kernel; gamma, beta, mean, variance.
ARRAYS_PER_LAYER = {"conv2d": 1, "separable_conv2d": 2, "batch_normalization": 4}
# The layers of Xception without its top that hold arrays, in the order of Keras' get_weights(): entry flow
# (blocks 1-4), middle flow (5-12, three separable convolutions each), exit flow (13-14). In a block with a
# shortcut, the shortcut's convolution comes after the block's own layers. Chollet 2017, figure 5.
_SEPARABLE = ("separable_conv2d", "batch_normalization")
_PLAIN = ("conv2d", "batch_normalization")
LAYER_ORDER = (
    *(_PLAIN * 2),
    *((*_SEPARABLE, *_SEPARABLE, *_PLAIN) * 3),
    *(_SEPARABLE * 3 * 8),
    *(*_SEPARABLE, *_SEPARABLE, *_PLAIN),
    *(_SEPARABLE * 2),
)
ARRAY_COUNT = sum(ARRAYS_PER_LAYER[kind] for kind in LAYER_ORDER)
NUMBER_COUNT = 20_861_480


class UnreadableWeightsError(Exception):
    """This file does not hold Xception's base weights in a form that can be read."""


def digest_of(arrays: Sequence[npt.NDArray[np.float32]]) -> str:
    """SHA-256 (hex) over the little-endian float32 bytes of `arrays`, in their order."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(np.ascontiguousarray(array, dtype="<f4").data)
    return digest.hexdigest()


def write_arrays(path: Path, arrays: Sequence[npt.NDArray[np.float32]]) -> None:
    """Write `arrays` whole or not at all to the `.npz` file `path`, under the names 000, 001, ..."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with temporary.open("wb") as file:
            # Named, because numpy's own names arr_1, arr_10, arr_2 do not sort in the order of the arrays.
            np.savez(file, allow_pickle=False, **{f"{index:03}": array for index, array in enumerate(arrays)})
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make a rename inside `folder` survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_npz(path: Path) -> Arrays:
    """Read a file of `write_arrays`. Objects are never unpickled.

    Raises:
        UnreadableWeightsError: it is not such a file.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            names = sorted(archive.files)
            if len(names) != ARRAY_COUNT:
                raise UnreadableWeightsError(f"it holds {len(names)} arrays instead of {ARRAY_COUNT}")
            return [as_float32(archive[name]) for name in names]
    except UnreadableWeightsError:
        raise
    except Exception as error:  # a damaged archive fails in many ways, all meaning the same
        raise UnreadableWeightsError(f"it is not a readable .npz file ({error})") from error


def as_float32(array: npt.NDArray[np.generic]) -> npt.NDArray[np.float32]:
    """The array itself when it holds float32 numbers; anything else cannot have the wanted digest."""
    if array.dtype != np.float32:
        raise UnreadableWeightsError(f"it holds {array.dtype} numbers instead of float32")
    return np.asarray(array, dtype=np.float32)
