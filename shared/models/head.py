"""A trained head: the dense layers on top of the features, in NumPy, so that any process can answer."""

from __future__ import annotations

import io
import math
import zipfile
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from shared.blobs import sha256
from shared.errors import ChecksumError, ValidationError
from shared.models.feature_space import FEATURE_COUNT

Floats = npt.NDArray[np.float32]
Probabilities = npt.NDArray[np.float64]

# 2048 x 4096 + 4096 x 1000 float32 numbers, the widest hidden layer with 1,000 categories, are 50 MB.
MAX_HEAD_BYTES = 64 * 1024 * 1024
# A zip archive stores moments; the earliest it can hold keeps equal heads equal in every byte.
ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)
ZIP_UNIX = 3
LOGITS_ARRAYS = ("logits_kernel", "logits_bias", "temperature")
HIDDEN_ARRAYS = ("hidden_kernel", "hidden_bias")


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """Dense layers: features -> [hidden, ReLU] -> logits -> softmax of logits / temperature.

    Shapes: `logits_kernel` is (2048, classes), or (hidden, classes) below a hidden layer whose
    `hidden_kernel` is (2048, hidden); biases are (classes,) and (hidden,). All are float32.
    `temperature` above 1 makes the answers less sure, below 1 surer; the order of classes never changes.
    Two heads are the same when their digests are.

    Raises:
        ValidationError: shapes, types or numbers do not make a head.
    """

    logits_kernel: Floats
    logits_bias: Floats
    hidden_kernel: Floats | None = None
    hidden_bias: Floats | None = None
    temperature: float = 1.0

    def __post_init__(self) -> None:
        """Refuse what cannot answer, at the moment it is made."""
        width = FEATURE_COUNT
        if self.hidden_kernel is not None or self.hidden_bias is not None:
            width = _check_layer("hidden", self.hidden_kernel, self.hidden_bias, FEATURE_COUNT)
        if _check_layer("logits", self.logits_kernel, self.logits_bias, width) < 2:
            raise ValidationError("A head needs at least two classes to choose between.")
        if not (math.isfinite(self.temperature) and self.temperature > 0):
            raise ValidationError(f"The head's temperature is {self.temperature}; it must be above 0.")

    @property
    def class_count(self) -> int:
        """How many classes the head tells apart."""
        return len(self.logits_bias)

    def logits(self, features: Floats) -> Floats:
        """Scores before the softmax, (n, classes) for features (n, 2048), not divided by the temperature.

        Raises:
            ValidationError: the features have another shape.
        """
        if features.ndim != 2 or features.shape[1] != FEATURE_COUNT:
            raise ValidationError(
                f"A head takes features of shape (n, {FEATURE_COUNT}), not {features.shape}."
            )
        return self._hidden(features) @ self.logits_kernel + self.logits_bias

    def gradients(self, features: Floats) -> Floats:
        """What each feature counts for the answer: the gradients of the highest logits, (n, 2048).

        Exact, not only close to these features: where the same hidden units are on, logits are linear.

        Raises:
            ValidationError: the features have another shape.
        """
        winners = self.logits(features).argmax(axis=1)
        counts: Floats = self.logits_kernel[:, winners].T
        if self.hidden_kernel is not None:
            counts = (counts * (self._hidden(features) > 0)) @ self.hidden_kernel.T
        return counts

    def _hidden(self, features: Floats) -> Floats:
        """What the logits are made from: the hidden layer, or without one the features."""
        if self.hidden_kernel is None or self.hidden_bias is None:
            return features
        activations: Floats = np.maximum(features @ self.hidden_kernel + self.hidden_bias, 0)
        return activations

    def probabilities(self, features: Floats) -> Probabilities:
        """Calibrated probabilities, (n, classes), each row summing to 1.

        Raises:
            ValidationError: the features have another shape.
        """
        return softmax(self.logits(features) / np.float64(self.temperature))

    def to_bytes(self) -> bytes:
        """The head as an uncompressed npz archive. Equal heads give equal bytes on every machine."""
        target = io.BytesIO()
        with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
            for name, array in self._arrays().items():
                entry = zipfile.ZipInfo(f"{name}.npy", date_time=ZIP_EPOCH)
                entry.create_system = ZIP_UNIX
                archive.writestr(entry, _array_bytes(array))
        return target.getvalue()

    @property
    def digest(self) -> str:
        """SHA-256 of `to_bytes()`, in hexadecimal digits: the name the head is registered under."""
        return sha256(self.to_bytes())

    @classmethod
    def from_bytes(cls, data: bytes, expected_digest: str) -> Head:
        """Read a head written by `to_bytes`, after checking that it is the registered one.

        Raises:
            ChecksumError: the bytes are not those registered; nothing of them was parsed.
            ValidationError: the bytes are the registered ones but hold no usable head.
        """
        if sha256(data) != expected_digest:
            raise ChecksumError()
        if len(data) > MAX_HEAD_BYTES:
            raise ValidationError(f"The head has {len(data)} bytes; more than {MAX_HEAD_BYTES} are refused.")
        try:
            arrays = _read_archive(data)
        except (zipfile.BadZipFile, ValueError, RuntimeError) as error:
            raise ValidationError(
                f"The head file cannot be read ({error}). Train this version again."
            ) from error
        return cls(
            logits_kernel=arrays["logits_kernel"],
            logits_bias=arrays["logits_bias"],
            hidden_kernel=arrays.get("hidden_kernel"),
            hidden_bias=arrays.get("hidden_bias"),
            temperature=float(arrays["temperature"]),
        )

    def _arrays(self) -> dict[str, npt.NDArray[Any]]:
        """The arrays of the archive, in their fixed order."""
        arrays: dict[str, npt.NDArray[Any]] = {
            "logits_kernel": self.logits_kernel,
            "logits_bias": self.logits_bias,
            "temperature": np.array(self.temperature, dtype="<f8"),
        }
        if self.hidden_kernel is not None and self.hidden_bias is not None:
            arrays |= {"hidden_kernel": self.hidden_kernel, "hidden_bias": self.hidden_bias}
        return arrays


def softmax(logits: npt.NDArray[np.floating]) -> Probabilities:
    """Probabilities (n, classes) of logits (n, classes), computed in float64.

    The largest logit of a row is taken off first, so that no exponential overflows.
    """
    shifted = logits.astype(np.float64) - logits.max(axis=1, keepdims=True, initial=-np.inf)
    exponentials: Probabilities = np.exp(shifted)
    exponentials /= exponentials.sum(axis=1, keepdims=True)
    return exponentials


def _check_layer(name: str, kernel: Floats | None, bias: Floats | None, inputs: int) -> int:
    """The number of outputs of a dense layer, or a sentence about what is wrong with it."""
    if kernel is None or bias is None:
        raise ValidationError(f"The {name} layer has only one of kernel and bias; it needs both.")
    if kernel.dtype != np.float32 or bias.dtype != np.float32:
        raise ValidationError(f"The {name} layer must be float32, not {kernel.dtype} and {bias.dtype}.")
    if kernel.ndim != 2 or kernel.shape[0] != inputs or bias.shape != kernel.shape[1:] or not bias.size:
        raise ValidationError(
            f"The {name} layer has the shapes {kernel.shape} and {bias.shape}; it takes {inputs} inputs."
        )
    if not (np.isfinite(kernel).all() and np.isfinite(bias).all()):
        raise ValidationError(f"The {name} layer holds numbers that are not finite.")
    return int(kernel.shape[1])


def _array_bytes(array: npt.NDArray[Any]) -> bytes:
    """One array in NumPy's npy format, version 1.0, row by row, little endian."""
    target = io.BytesIO()
    little_endian = array.astype(array.dtype.newbyteorder("<"), order="C")
    np.lib.format.write_array(target, little_endian, version=(1, 0), allow_pickle=False)
    return target.getvalue()


def _read_archive(data: bytes) -> dict[str, npt.NDArray[Any]]:
    """The arrays of an archive that holds exactly those of a head, none of them compressed."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = archive.infolist()
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
            raise ValueError("its arrays are compressed")
        names = sorted(entry.filename.removesuffix(".npy") for entry in entries)
        if names not in (sorted(LOGITS_ARRAYS), sorted(LOGITS_ARRAYS + HIDDEN_ARRAYS)):
            raise ValueError(f"it holds {', '.join(names) or 'nothing'}")
        return {name: _read_array(name, archive.read(f"{name}.npy")) for name in names}


def _read_array(name: str, raw: bytes) -> npt.NDArray[Any]:
    """One npy array as a read-only view of `raw`; a header that promises more than is there fails."""
    stream = io.BytesIO(raw)
    if np.lib.format.read_magic(stream) != (1, 0):
        raise ValueError(f"{name} has another format version")
    shape, column_first, dtype = np.lib.format.read_array_header_1_0(stream)
    wanted = np.dtype("<f8" if name == "temperature" else "<f4")
    if dtype != wanted or column_first or (name == "temperature" and shape != ()):
        raise ValueError(f"{name} has another type or layout")
    return np.frombuffer(raw, dtype=wanted, offset=stream.tell()).reshape(shape)
