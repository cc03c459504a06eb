"""Features of photos on disk, so that no photo goes through the backbone twice in one feature space."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt

from shared.errors import PhotoGoneError, ValidationError
from shared.models.feature_space import FEATURE_COUNT, FeatureSpace
from shared.settings import Settings
from worker.network.weight_arrays import sync_folder

DIGEST_BYTES = 32
RECORD = np.dtype([("digest", "u1", DIGEST_BYTES), ("features", "<f4", FEATURE_COUNT)])
# Records copied at once when some are removed: 32 MiB, small beside any worker's memory.
COPIED_AT_ONCE = 4096

Floats = npt.NDArray[np.float32]


def features_folder(settings: Settings) -> Path:
    """Where the stores of this machine are."""
    return settings.data_dir / "features"


def int8_variation(network_digest: str) -> str:
    """The `variation` of features that an int8 network computed."""
    return f"int8-{network_digest[:16]}"


class FeatureStore:
    """One file of one feature space: records of a photo's SHA-256 (32 bytes) and its 2048 float32 numbers.

    Records are only ever added at the end, and readers count whole records only, so a process killed while
    adding leaves at most a torn tail, which the next one that adds cuts off. Those who change the file hold
    a lock beside it; readers need none, because what they have mapped never changes under them. Should two
    processes add the same photo, the first record counts.

    Digests are 64 hexadecimal digits, as everywhere else. `variation` names what was done to the photos
    before the network saw them (`shared.photos.augment`), or to the network (`int8_variation`); empty for
    both as they are.
    """

    def __init__(self, directory: Path, space: FeatureSpace, variation: str = "") -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self._path = directory / f"{'-'.join(filter(None, (space.key, variation)))}.features"

    @classmethod
    def all_in(cls, directory: Path) -> list[FeatureStore]:
        """The stores there are in a folder, of whatever feature spaces."""
        stores = []
        for path in sorted(directory.glob("*.features")):
            store = cls.__new__(cls)
            store._directory, store._path = directory, path
            stores.append(store)
        return stores

    def digests(self) -> set[str]:
        """The photos that have features."""
        return {raw.hex() for raw in _raw_digests(self._records())}

    def missing(self, digests: Sequence[str]) -> list[str]:
        """Those of `digests` that have no features yet, in the given order, each once."""
        known = set(_raw_digests(self._records()))
        return [digest for digest in dict.fromkeys(digests) if _raw(digest) not in known]

    def append(self, digests: Sequence[str], features: Floats) -> None:
        """Add the `features`, shape (n, 2048), of n photos. When this returns they survive a power cut.

        Raises:
            ValidationError: the shapes do not fit each other, or a number or digest cannot be used.
        """
        if features.shape != (len(digests), FEATURE_COUNT):
            raise ValidationError(
                f"{len(digests)} photos need features of shape ({len(digests)}, {FEATURE_COUNT}), "
                f"not {features.shape}."
            )
        if not np.isfinite(features).all():
            raise ValidationError("These features are not finite numbers. Check the engine and its weights.")
        records = np.empty(len(digests), RECORD)
        raw = b"".join(map(_raw, digests))
        records["digest"] = np.frombuffer(raw, np.uint8).reshape(-1, DIGEST_BYTES)
        records["features"] = features
        with self._changing(), self._path.open("ab") as file:
            file.write(records.tobytes())
            file.flush()
            os.fsync(file.fileno())
        sync_folder(self._directory)

    def read(self, digests: Sequence[str]) -> Floats:
        """The features of these photos, (n, 2048), in the given order.

        Raises:
            PhotoGoneError: some of them have no features; the message names the first.
        """
        records = self._records()
        row_of = _index(records)
        absent = [digest for digest in digests if _raw(digest) not in row_of]
        if absent:
            raise PhotoGoneError(  # who reads has looked what is missing: a deletion came in between
                f"{len(absent)} of {len(digests)} photos have no stored features, the first is {absent[0]}. "
                "Try again."
            )
        rows = np.array([row_of[_raw(digest)] for digest in digests], dtype=np.intp)
        return np.array(records["features"][rows], dtype=np.float32)

    def remove(self, digests: Collection[str]) -> None:
        """Forget these photos: when this returns, the file holds nothing of them. Unknown ones are fine."""
        doomed = {_raw(digest) for digest in digests}
        with self._changing():
            records = self._records()
            keep = np.array([raw not in doomed for raw in _raw_digests(records)], dtype=bool)
            if not keep.all():
                self._rewrite(records, keep)

    def _rewrite(self, records: npt.NDArray[np.void], keep: npt.NDArray[np.bool_]) -> None:
        """Put a file with only the kept records in the place of the old one, in one step."""
        replacement = self._path.with_suffix(".new")
        with replacement.open("wb") as file:
            for start in range(0, len(records), COPIED_AT_ONCE):
                part = slice(start, start + COPIED_AT_ONCE)
                file.write(records[part][keep[part]].tobytes())
            file.flush()
            os.fsync(file.fileno())
        replacement.replace(self._path)
        sync_folder(self._directory)

    def _records(self) -> npt.NDArray[np.void]:
        """All whole records, mapped rather than read. Stays valid when the file is replaced."""
        try:
            with self._path.open("rb") as file:
                count = os.fstat(file.fileno()).st_size // RECORD.itemsize
                if count:
                    return np.memmap(file, RECORD, "r", shape=(count,)).view(np.ndarray)
        except FileNotFoundError:
            pass
        return np.empty(0, RECORD)

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """Be the only one to change the file, after cutting off what a killed process left at its end."""
        # The lock is a file of its own, because the records' file is replaced when photos are removed.
        with self._path.with_suffix(".lock").open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            with self._path.open("ab") as file:
                torn = file.tell() % RECORD.itemsize
                if torn:
                    file.truncate(file.tell() - torn)
            yield


def _raw(digest: str) -> bytes:
    """The 32 bytes of a digest."""
    if len(digest) != 2 * DIGEST_BYTES or not set(digest) <= set("0123456789abcdef"):
        raise ValidationError(f"{digest!r} is not a photo's SHA-256 in hexadecimal digits.")
    return bytes.fromhex(digest)


def _raw_digests(records: npt.NDArray[np.void]) -> list[bytes]:
    joined = records["digest"].tobytes()
    return [joined[at : at + DIGEST_BYTES] for at in range(0, len(joined), DIGEST_BYTES)]


def _index(records: npt.NDArray[np.void]) -> dict[bytes, int]:
    """Digest -> row. Walked backwards, so that the first record of a photo counts."""
    raw = _raw_digests(records)
    return {raw[row]: row for row in reversed(range(len(raw)))}
