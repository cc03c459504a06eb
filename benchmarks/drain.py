"""Stored photos through the real worker, against the same engine fed with ready arrays.

`python -m benchmarks.drain DATA`: DATA is the data folder of an installation with an imported dataset, which
is copied, not changed. Prints photos per second of both sides and their ratio, alternated.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import redis
from sqlalchemy import delete, func, insert, select

from benchmarks.figures import machine, told
from benchmarks.installation import copy_of, process, redis_server, wait_until
from shared import accounts
from shared.blobs import BlobStore
from shared.clock import utc_now
from shared.database import Database
from shared.jobs.queue import CeleryQueue
from shared.jobs.states import ACTIVE, JobKind, JobState
from shared.jobs.upkeep import DISPATCH_LIMIT
from shared.settings import Settings
from shared.tables import DatasetExample, Job, Photo, Prediction, WorkerHeartbeat, new_id
from worker.context import WorkerContext
from worker.engines.engine import Engine
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
    database, blobs = Database(settings.database_url), BlobStore(settings.blob_url)
    context = WorkerContext(settings, database, blobs, CeleryQueue(settings), "bench@here")
    version, engine, _ = Predictor(context, Heartbeat(database, "bench@here")).champion()
    wait_until(lambda: _worker_runs(database, engine.name), "the worker has loaded its engine")
    ids = _photos(database, photos)
    pixels = _pixels(database, blobs, version.image_size)
    print(f"{machine()}; {engine.name} on {engine.device}, {version.image_size} px, {photos} photos")
    bare: list[float] = []
    drained: list[float] = []
    for number in range(pairs):
        sides: list[Callable[[], None]] = [
            lambda: bare.append(_bare(engine, pixels, photos)),
            lambda: drained.append(_drain(context, ids)),
        ]
        for side in sides if number % 2 else reversed(sides):
            side()
            wait_until(lambda: client.llen("hangtag:predict") == 0, "no wake-up is left")
        print(f"  bare {bare[-1]:.1f}/s, worker {drained[-1]:.1f}/s, ratio {drained[-1] / bare[-1]:.2f}")
    print(f"bare engine    {told(bare, 1)} photos/s")
    print(f"worker         {told(drained, 1)} photos/s")
    print(f"ratio          {told([worker / alone for worker, alone in zip(drained, bare, strict=True)])}")
    database.close()


def _worker_runs(database: Database, engine: str) -> bool:
    with database.read() as session:
        return (
            session.scalar(select(WorkerHeartbeat.engine).where(WorkerHeartbeat.kind == "predict")) == engine
        )


def _photos(database: Database, count: int) -> list[str]:
    """Photo rows for stored examples; where there are fewer than wanted, several rows share their pixels."""
    with database.write() as session:
        digests = list(session.scalars(select(DatasetExample.digest).distinct().limit(count)))
        people = [
            accounts.add_user(session, f"Bench {n}", "seller") for n in range(-(-count // len(digests)))
        ]
        rows = [
            {
                "id": new_id(),
                "owner_id": person.id,
                "digest": digest,
                "name": "p",
                "width": 1,
                "height": 1,
                "size": 1,
            }
            for person, digest in itertools.islice(itertools.product(people, digests), count)
        ]
        session.execute(insert(Photo), rows)
    return [str(row["id"]) for row in rows]


def _pixels(database: Database, blobs: BlobStore, size: int) -> npt.NDArray[np.uint8]:
    with database.read() as session:
        digests = list(session.scalars(select(DatasetExample.digest).distinct().limit(READY)))
    read = stored_pixels(blobs, size)
    return np.stack([read(digest) for digest in digests])


def _bare(engine: Engine, pixels: npt.NDArray[np.uint8], count: int) -> float:
    """Photos per second of the engine alone, in batches of the size it prefers."""
    batch = engine.preferred_batch
    began = time.perf_counter()
    done = 0
    while done < count:
        start = done % (len(pixels) - batch)
        engine.features(pixels[start : start + batch])
        done += batch
    return done / (time.perf_counter() - began)


def _drain(context: WorkerContext, photo_ids: list[str]) -> float:
    """Photos per second from the first wake-up to the last committed answer."""
    with context.database.write() as session:
        session.execute(delete(Prediction))
        owners = dict(session.execute(select(Photo.id, Photo.owner_id).where(Photo.id.in_(photo_ids))).all())
        rows = [
            {
                "id": new_id(),
                "kind": JobKind.CLASSIFY,
                "state": JobState.QUEUED,
                "owner_id": owners[photo_id],
                "photo_id": photo_id,
                "payload": {},
                "last_dispatch_at": utc_now(),
            }
            for photo_id in photo_ids
        ]
        session.execute(insert(Job), rows)
    began = time.perf_counter()
    for row in rows[:DISPATCH_LIMIT]:  # as the dispatcher wakes workers for stored photos
        context.queue.publish(JobKind.CLASSIFY, str(row["id"]))
    wait_until(lambda: _active(context.database) == 0, "all photos are answered")
    return len(rows) / (time.perf_counter() - began)


def _active(database: Database) -> int:
    with database.read() as session:
        query = select(func.count()).where(Job.kind == JobKind.CLASSIFY, Job.state.in_(ACTIVE))
        return session.scalar(query) or 0


if __name__ == "__main__":
    main()
