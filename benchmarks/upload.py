"""How long an upload takes to be accepted: with 1, 8 and 32 clients at once, then at half load.

`python -m benchmarks.upload PHOTOS`: PHOTOS is a folder of JPEG photos. Starts the web process and Redis with
an empty database and no worker. Beside it, one process makes our pictures of these photos, and nothing else.
At half load, uploads begin at fixed moments, evenly spaced, at half of the highest rate that was found; each
is timed from the moment it was planned for, so one that is held up by those before it counts as slow, too.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from benchmarks.clients import client_of, headers_of_new_person, lives, photos_in, send_photo
from benchmarks.figures import machine, percentile, told
from benchmarks.installation import new, process, redis_server, wait_until
from shared.photos.intake import prepare
from shared.settings import Settings

CLIENTS = (1, 8, 32)
# At half load: threads enough that an upload begins when it is planned, whatever the ones before it do.
THREADS = 128
# Whose photos they are, in turn: one person may not have all places for uploads.
PEOPLE = 8


def main() -> None:
    """Measure, and print what was measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.upload", description=__doc__)
    parser.add_argument("photos", type=Path, help="a folder of JPEG photos")
    parser.add_argument(
        "--count", type=int, default=1000, help="uploads per number of clients; the p99 of 1000 has ten above"
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--half-load", type=int, default=1000, help="uploads at half load, at least 600")
    options = parser.parse_args()
    photos = photos_in(options.photos, options.count)
    with tempfile.TemporaryDirectory(prefix="hangtag-upload-") as folder:
        settings = new(Path(folder) / "data")
        with redis_server(settings), process(settings, "web"):
            wait_until(lambda: lives(settings), "the web process answers")
            print(
                f"{machine()}; {len(photos)} photos, {sum(map(len, photos)) // len(photos) // 1000} kB each"
            )
            _upload(settings, photos[:32], 8, "warm-up")
            highest = max(_measure(settings, photos, clients, options.rounds) for clients in CLIENTS)
            _half_load(settings, photos, max(600, options.half_load), highest / 2)


def _measure(settings: Settings, photos: list[bytes], clients: int, rounds: int) -> float:
    """Print what so many clients find who send one photo after the other; the highest photos per second."""
    rates: list[float] = []
    middles: list[float] = []
    tails: list[float] = []
    bare: list[float] = []
    for number in range(rounds):
        bare.append(_bare(photos))
        began = time.perf_counter()
        seconds = _upload(settings, photos, clients, f"{clients}-{number}")
        rates.append(len(photos) / (time.perf_counter() - began))
        middles.append(1000 * percentile(seconds, 0.5))
        tails.append(1000 * percentile(seconds, 0.99))
    ratio = told([sent / made for sent, made in zip(rates, bare, strict=True)])
    print(f"{clients:>3} clients: {told(rates, 1)} photos/s")
    print(f"    p50 {told(middles, 0)} ms, p99 {told(tails, 0)} ms")
    print(f"    against one process that only decodes and encodes: {ratio}", flush=True)
    return max(rates)


def _bare(photos: list[bytes]) -> float:
    """Photos per second of one process that makes our picture of each, and nothing else."""
    began = time.perf_counter()
    for photo in photos:
        prepare(photo)
    return len(photos) / (time.perf_counter() - began)


def _upload(settings: Settings, photos: list[bytes], clients: int, name: str) -> list[float]:
    """Seconds of each upload by a person of their own, so that no photo is known already."""
    headers = headers_of_new_person(settings, name)
    with client_of(settings, clients, **headers) as client, ThreadPoolExecutor(clients) as pool:

        def send(photo: bytes) -> float:
            began = time.perf_counter()
            send_photo(client, photo)
            return time.perf_counter() - began

        return list(pool.map(send, photos))


def _half_load(settings: Settings, photos: list[bytes], count: int, rate: float) -> None:
    """Print how long uploads take that come `rate` times a second, whatever became of those before."""
    passes = -(-count // len(photos))
    people = [headers_of_new_person(settings, f"half-{number}") for number in range(passes * PEOPLE)]
    sent: list[Future[float]] = []
    with client_of(settings, THREADS) as client, ThreadPoolExecutor(THREADS) as pool:

        def send(photo: bytes, headers: dict[str, str], planned: float) -> float:
            send_photo(client, photo, headers)
            return time.perf_counter() - planned

        began = time.perf_counter()
        for number in range(count):
            planned = began + number / rate
            time.sleep(max(0.0, planned - time.perf_counter()))
            turn, place = divmod(number, len(photos))
            headers = people[turn * PEOPLE + number % PEOPLE]  # others in each pass: no photo is known
            sent.append(pool.submit(send, photos[place], headers, planned))
    seconds = [future.result() for future in sent]
    print(f"half load: {count} uploads, evenly spaced, {rate:.1f} a second; {machine()}")
    print(f"    p50 {1000 * percentile(seconds, 0.5):.0f} ms, p99 {1000 * percentile(seconds, 0.99):.0f} ms")
    print(f"    slowest {1000 * max(seconds):.0f} ms, from the planned moment to the answer")


if __name__ == "__main__":
    main()
