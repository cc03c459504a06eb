"""Stored photos through the real worker, against the same engine fed with ready arrays.

`python -m benchmarks.drain DATA`: DATA is the data folder of an installation with an imported dataset, which
is copied, not changed. Prints photos per second of both sides and their ratio, alternated.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import redis
from sqlalchemy import select

from benchmarks.bare import bare_rate
from benchmarks.figures import machine, told
from benchmarks.installation import copy_of, process, redis_server, wait_until
from benchmarks.stored_photos import add_photos, context_of, drain, workers_engine
from shared.blobs import BlobStore
from shared.database import Database
from shared.settings import Settings
from shared.tables import DatasetExample
from worker.heartbeat import Heartbeat
from worker.pixels import stored_pixels
from worker.predictor import Predictor

# Ready arrays in memory, fed again and again: 200 at 299 px are 54 MB.
READY = 200


def main() -> None:
    """Measure, and print what was measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.drain", description=__doc__)
    parser.add_argument("data", type=Path, help="the data folder of an installation with a dataset")
    parser.add_argument("--photos", type=int, default=1000)
    parser.add_argument("--pairs", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hangtag-drain-") as folder:
        settings = copy_of(options.data, Path(folder) / "data")
        with redis_server(settings) as client, process(settings, "worker-predict"):
            _measure(settings, client, options.photos, options.pairs)


def _measure(settings: Settings, client: redis.Redis, photos: int, pairs: int) -> None:
    context = context_of(settings)
    database = context.database
    loaded = Predictor(context, Heartbeat(database, context.name)).champion()
    version, engine = loaded.version, loaded.engine
    wait_until(lambda: workers_engine(database) == engine.name, "the worker has loaded its engine")
    ids = add_photos(database, photos)
    pixels = _pixels(database, context.blobs, version.image_size)
    print(f"{machine()}; {engine.name} on {engine.device}, {version.image_size} px, {photos} photos")
    bare: list[float] = []
    drained: list[float] = []
    for number in range(pairs):
        sides: list[Callable[[], None]] = [
            lambda: bare.append(bare_rate(engine, pixels, photos)),
            lambda: drained.append(drain(context, ids)),
        ]
        for side in sides if number % 2 else reversed(sides):
            side()
            wait_until(lambda: client.llen("hangtag:predict") == 0, "no wake-up is left")
        print(f"  bare {bare[-1]:.1f}/s, worker {drained[-1]:.1f}/s, ratio {drained[-1] / bare[-1]:.2f}")
    print(f"bare engine    {told(bare, 1)} photos/s")
    print(f"worker         {told(drained, 1)} photos/s")
    print(f"ratio          {told([worker / alone for worker, alone in zip(drained, bare, strict=True)])}")
    database.close()


def _pixels(database: Database, blobs: BlobStore, size: int) -> npt.NDArray[np.uint8]:
    with database.read() as session:
        digests = list(session.scalars(select(DatasetExample.digest).distinct().limit(READY)))
    read = stored_pixels(blobs, size)
    return np.stack([read(digest) for digest in digests])


if __name__ == "__main__":
    main()
