"""What the frozen blocks see in each photo, kept on disk while the blocks above them are trained."""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt

from shared.errors import HangtagError, PermanentError, ValidationError
from shared.jobs.store import Progress
from worker.extract import DECODE_THREADS, REPORT_SECONDS, readable
from worker.network.compiled import Compiled, compiled
from worker.network.split import SplitNetwork
from worker.pixels import Read, decoded_chunks

HalfFloats = npt.NDArray[np.float16]
# One shape, so that the trunk is compiled once; on two cores larger batches are no faster.
BATCH = 8
# Left free for checkpoints, the database and photos that come in meanwhile.
RESERVE_BYTES = 1024**3


class NoRoomForTrunkError(PermanentError):
    """There is not enough room on the disk for fine-tuning."""

    code = "storage_too_small"


class TrunkFile:
    """Maps of photos in their order, half precision, one after the other. A torn last one is done again.

    Half precision keeps 11 bits: a rounding error of 1/2048, below what dropout adds by far.
    """

    def __init__(self, path: Path, shape: tuple[int, ...]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._shape = shape
        self.record_bytes = math.prod(shape) * np.dtype(np.float16).itemsize

    def count(self) -> int:
        """How many photos are in it."""
        return self._path.stat().st_size // self.record_bytes if self._path.is_file() else 0

    def append(self, maps: npt.NDArray[np.float32]) -> None:
        """Add the maps of the next photos.

        Raises:
            ValidationError: a number does not fit into half precision.
        """
        with np.errstate(over="ignore"):
            halves = maps.astype(np.float16)
        if not np.isfinite(halves).all():
            raise ValidationError("The network's maps at this block are too large to keep. Choose another.")
        with self._path.open("ab") as file:
            file.truncate(self.count() * self.record_bytes)
            file.write(halves.tobytes())

    def read(self) -> HalfFloats:
        """All maps, (n, ...), mapped rather than read."""
        return np.memmap(self._path, np.float16, "r", shape=(self.count(), *self._shape)).view(np.ndarray)


def require_room(folder: Path, wanted_bytes: int) -> None:
    """Check that the disk has room for this and a reserve.

    Raises:
        NoRoomForTrunkError: it has not; the message says how much is missing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    if free < wanted_bytes + RESERVE_BYTES:
        raise NoRoomForTrunkError(
            f"Fine-tuning needs {wanted_bytes / 1e9:.1f} GB on the disk, beside {RESERVE_BYTES / 1e9:.1f} GB "
            f"that stay free, but only {free / 1e9:.1f} GB are free. Make room, choose a smaller image size, "
            "or fine-tune from a higher block."
        )


def ensure_maps(
    trunk: Compiled,
    file: TrunkFile,
    read: Read,
    digests: Sequence[str],
    report: Callable[[Progress], None],
) -> HalfFloats:
    """The maps of these photos, computing those that are not in the file yet.

    Raises:
        ValidationError: a photo cannot be read any more; the message names it.
        LeaseLostError, CancelledError, WorkerStoppingError: raised by `report`; what was computed is kept.
    """
    missing = list(digests[file.count() :])
    started, reported, done = time.monotonic(), float("-inf"), 0
    with ThreadPoolExecutor(DECODE_THREADS, thread_name_prefix="decode") as pool:
        for decoded in decoded_chunks(pool, read, missing, BATCH):
            file.append(_maps(trunk, missing[done : done + len(decoded)], decoded))
            done += len(decoded)
            now = time.monotonic()
            if now - reported >= REPORT_SECONDS or done == len(missing):
                reported = now
                eta = (now - started) / done * (len(missing) - done)
                report(Progress("maps", done, len(missing), round(eta, 1)))
    return file.read()


def compiled_trunk(network: SplitNetwork) -> Compiled:
    """The frozen part of the network for batches of `BATCH` photos."""
    return compiled(network.trunk)


def _maps(
    trunk: Compiled,
    digests: Sequence[str],
    decoded: Sequence[npt.NDArray[np.uint8] | HangtagError],
) -> npt.NDArray[np.float32]:
    pixels = np.stack([readable(digest, item) for digest, item in zip(digests, decoded, strict=True)])
    padded = np.pad(pixels, ((0, BATCH - len(pixels)), (0, 0), (0, 0), (0, 0)))
    maps: npt.NDArray[np.float32] = np.asarray(trunk(padded))[: len(pixels)]
    return maps
