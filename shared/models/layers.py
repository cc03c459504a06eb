"""Fine-tuned layers in the blob store: arrays that take the place of the last ones of the base weights."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import numpy.typing as npt

from shared.blobs import BlobStore, layers_key, sha256
from shared.errors import ChecksumError, ValidationError

Arrays = tuple[npt.NDArray[np.float32], ...]


def store_layers(blobs: BlobStore, arrays: Arrays) -> str:
    """Store fine-tuned arrays under the SHA-256 of their file, and return that."""
    target = io.BytesIO()
    # Named in the order of the arrays, three digits as in the file of the base weights.
    np.savez(target, allow_pickle=False, **{f"{index:03}": array for index, array in enumerate(arrays)})
    data = target.getvalue()
    digest = sha256(data)
    blobs.put(layers_key(digest), data)
    return digest


def load_layers(blobs: BlobStore, digest: str) -> Arrays:
    """The arrays stored under `digest`, float32, in their order. Objects are never unpickled.

    Raises:
        BlobMissingError: the file is gone.
        ChecksumError: the file is not the one that was registered; nothing of it was parsed.
        ValidationError: it is the registered one but holds no usable arrays.
    """
    data = blobs.get(layers_key(digest))
    if sha256(data) != digest:
        raise ChecksumError()
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            arrays = tuple(archive[name] for name in sorted(archive.files))
    except (zipfile.BadZipFile, ValueError) as error:
        raise ValidationError(
            f"The fine-tuned layers cannot be read ({error}). Train this version again."
        ) from error
    if not all(array.dtype == np.float32 and np.isfinite(array).all() for array in arrays):
        raise ValidationError("The fine-tuned layers hold numbers that cannot be used.")
    return arrays
