"""How long an installation takes to start, what memory it fills, and whether that grows with photos.

`python -m benchmarks.memory DATA`: DATA is the data folder of an installation with an imported dataset and a
champion, which is copied, not changed. Starts everything at once, as `hangtag run` does, and looks at each
process with its children when all of it has worked and rests. Then stored photos go through the one
prediction worker, a thousand at a time, and its memory is looked at after each thousand. Linux only.

The memory of a process is what lies in RAM of it. Parts that several processes share count for each of
them; in the proportional figure they are divided among those that share them.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import psutil
import redis

from benchmarks.clients import client_of, headers_of_new_person, lives, send_photo
from benchmarks.figures import machine
from benchmarks.installation import copy_of, process, redis_server, wait_until
from benchmarks.stored_photos import (
    active_jobs,
    add_photos,
    context_of,
    drain,
    has_started,
    workers_engine,
)
from cli.processes import PROCESSES
from cli.sample_picture import sample_picture
from shared.database import Database
from shared.settings import Settings
from worker.context import WorkerContext

MB = 1_000_000
SAMPLED_EVERY = 1000
# Enough side by side that both web processes start all of their decoders.
UPLOADS, SIDE_BY_SIDE = 64, 16
# What a prediction child maps if it has imported them; the second shows that looking finds anything.
LIBRARIES = {"TensorFlow": "libtensorflow", "OpenVINO": "libopenvino"}


def main() -> None:
    """Measure, and print what was measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory", description=__doc__)
    parser.add_argument("data", type=Path, help="the data folder of an installation with a dataset")
    parser.add_argument("--photos", type=int, default=20_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hangtag-memory-") as folder, ExitStack() as stack:
        settings = copy_of(options.data, Path(folder) / "data")
        print(machine(), flush=True)
        context = context_of(settings)
        stack.callback(context.database.close)
        began = time.perf_counter()
        client = stack.enter_context(redis_server(settings))
        seconds = {"redis": time.perf_counter() - began}
        found = {one.name: stack.enter_context(process(settings, one.name)) for one in PROCESSES}
        seconds |= _starting(settings, context.database)
        _work_a_little(settings, context.database)
        found["redis"] = _server(client)
        for name, root in found.items():
            print(f"{name:<15}{seconds[name]:5.1f} s to start   {_told(root)}")
        print(f"{'together':<15}{max(seconds.values()):5.1f} s")
        _print_libraries(found["worker-predict"])
        _print_growth(context, found["worker-predict"], options.photos)


def _starting(settings: Settings, database: Database) -> dict[str, float]:
    """Seconds until each process could do its work; all of them are starting now."""
    signs: dict[str, Callable[[], bool]] = {
        "web": lambda: lives(settings),
        "worker-predict": lambda: workers_engine(database) is not None,
        "worker-train": lambda: has_started(database, "train"),
        "maintain": lambda: has_started(database, "maintain"),
    }
    began = time.perf_counter()
    seconds: dict[str, float] = {}

    def look() -> bool:
        for name, sign in signs.items():
            if name not in seconds and sign():
                seconds[name] = time.perf_counter() - began
        return len(seconds) == len(signs)

    wait_until(look, "everything has started")
    return seconds


def _work_a_little(settings: Settings, database: Database) -> None:
    """Have some photos answered, so that everything that is made at first use is there, then let it rest."""
    pictures = [sample_picture(number) for number in range(UPLOADS)]
    person = headers_of_new_person(settings, "memory")
    with client_of(settings, SIDE_BY_SIDE, **person) as client, ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        list(pool.map(lambda picture: send_photo(client, picture), pictures))
    wait_until(lambda: active_jobs(database) == 0, "nothing is left to do")


def _server(client: redis.Redis) -> psutil.Process:
    return psutil.Process(int(client.info("server")["process_id"]))


def _tree(root: psutil.Process) -> list[psutil.Process]:
    return [root, *root.children(recursive=True)]


def _resident(root: psutil.Process) -> float:
    """MB of a process and its children."""
    return sum(one.memory_info().rss for one in _tree(root)) / MB


def _told(root: psutil.Process) -> str:
    """The memory of a process and its children, generation by generation: for the web process these are
    master, workers and decoders."""
    generations: list[str] = []
    generation = [root]
    while generation:
        generations.append(", ".join(f"{one.memory_info().rss / MB:.0f}" for one in generation))
        generation = [child for one in generation for child in one.children()]
    shared_out = sum(one.memory_full_info().pss for one in _tree(root)) / MB
    return f"{_resident(root):5.0f} MB = {' > '.join(generations)}; proportional {shared_out:.0f} MB"


def _print_libraries(root: psutil.Process) -> None:
    child = max(_tree(root), key=lambda one: one.memory_info().rss)
    mapped = [region.path for region in child.memory_maps()]
    for name, library in LIBRARIES.items():
        is_there = any(library in path for path in mapped)
        print(f"{name} is {'mapped' if is_there else 'not mapped'} in the prediction child")


def _print_growth(context: WorkerContext, root: psutil.Process, photos: int) -> None:
    """Send photos through the worker and print how its memory went."""
    ids = add_photos(context.database, photos)
    before = {one.pid for one in _tree(root)}
    series = [_resident(root)]
    done = [0]
    for start in range(0, photos, SAMPLED_EVERY):
        part = ids[start : start + SAMPLED_EVERY]
        rate = drain(context, part)
        series.append(_resident(root))
        done.append(start + len(part))
        print(f"  {done[-1]:>6} photos: {series[-1]:.1f} MB, {rate:.1f} photos/s", flush=True)
    same = {one.pid for one in _tree(root)} == before
    print(f"first {series[0]:.1f} MB, median {statistics.median(series):.1f} MB, last {series[-1]:.1f} MB")
    print(f"growth {_growth(done, series):+.2f} MB per 1,000 photos (line through all)")
    half = len(done) // 2
    if len(done) - half > 1:
        print(
            f"growth {_growth(done[half:], series[half:]):+.2f} MB per 1,000 photos (through the second half)"
        )
    print(f"the processes are {'the same' if same else 'NOT the same'} as before")


def _growth(done: list[int], series: list[float]) -> float:
    return float(np.polyfit(np.array(done) / 1000, series, 1)[0])


if __name__ == "__main__":
    main()
