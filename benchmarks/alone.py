"""How long a photo takes that comes alone, from upload to answer, against one bare pass of the same engine.

`python -m benchmarks.alone DATA PHOTOS`: DATA is the data folder of an installation with a champion, which is
copied, not changed; PHOTOS a folder of JPEG photos. One client sends one photo at a time with `Prefer: wait`,
through web process, Redis and worker; each photo is new to the person who asks. The engine in this process
computes the same photo from a ready array. The two take turns photo by photo.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from benchmarks.clients import client_of, headers_of_new_person, lives, photos_in, send_photo
from benchmarks.figures import machine, percentile, told
from benchmarks.installation import copy_of, process, redis_server, wait_until
from benchmarks.stored_photos import context_of, workers_engine
from shared.photos.pixels import read_pixels
from shared.settings import Settings
from worker.context import WorkerContext
from worker.heartbeat import Heartbeat
from worker.predictor import Loaded, Predictor

# Photos that are not counted: connections, decoders and caches are made with them.
WARM_UP = 10
WAIT = {"Prefer": "wait=60"}


def main() -> None:
    """Measure, and print what was measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.alone", description=__doc__)
    parser.add_argument("data", type=Path, help="the data folder of an installation with a champion")
    parser.add_argument("photos", type=Path, help="a folder of JPEG photos")
    parser.add_argument("--count", type=int, default=300, help="photos that are counted")
    options = parser.parse_args()
    photos = photos_in(options.photos, WARM_UP + options.count)
    if len(photos) <= WARM_UP:
        parser.error(f"{WARM_UP} photos warm up: name a folder with more.")
    print(machine(), flush=True)
    with tempfile.TemporaryDirectory(prefix="hangtag-alone-") as folder:
        settings = copy_of(options.data, Path(folder) / "data")
        with redis_server(settings), process(settings, "web"), process(settings, "worker-predict"):
            context = context_of(settings)
            _measure(settings, context, photos)
            context.database.close()


def _measure(settings: Settings, context: WorkerContext, photos: list[bytes]) -> None:
    loaded = Predictor(context, Heartbeat(context.database, context.name)).champion()
    version, engine = loaded.version, loaded.engine
    wait_until(lambda: workers_engine(context.database) == engine.name, "the worker has loaded its engine")
    wait_until(lambda: lives(settings), "the web process answers")
    print(f"{engine.name} on {engine.device}, {version.image_size} px, one client")
    person = headers_of_new_person(settings, "alone") | WAIT
    with client_of(settings, 1, **person) as client:
        pairs = [_pair(client, loaded, photo, number) for number, photo in enumerate(photos)][WARM_UP:]
    answered, bare = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    print(f"upload to answer   {_told(answered)}")
    print(f"bare engine pass   {_told(bare)}")
    print(f"ratio of medians   {percentile(answered, 0.5) / percentile(bare, 0.5):.2f}")
    print(f"ratio by photo     {told([one / other for one, other in pairs])}")


def _pair(client: httpx.Client, loaded: Loaded, photo: bytes, number: int) -> tuple[float, float]:
    """Seconds from upload to answer, and of the bare pass; every other photo the other way round."""
    version, engine, head, _ = loaded
    pixels = read_pixels(photo, version.image_size)[None]
    if number % 2:
        answered = _seconds(lambda: _ask(client, photo))
        return answered, _seconds(lambda: engine.explain(pixels).result(head.gradients))
    bare = _seconds(lambda: engine.explain(pixels).result(head.gradients))
    return _seconds(lambda: _ask(client, photo)), bare


def _ask(client: httpx.Client, photo: bytes) -> None:
    response = send_photo(client, photo)
    job = response.json()["job"]
    if job["state"] != "succeeded" or not job["attempt"]:
        raise SystemExit(f"A photo was to be computed and answered, but its job is this: {job}.")


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _told(seconds: list[float]) -> str:
    told_in_ms = told([1000 * one for one in seconds], 1)
    return f"{told_in_ms} ms, p95 {1000 * percentile(seconds, 0.95):.1f} ms, {len(seconds)} photos"


if __name__ == "__main__":
    main()
