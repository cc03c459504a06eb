"""How long an upload takes to be accepted, with 1, 8 and 32 clients at once.

`python -m benchmarks.upload PHOTOS`: PHOTOS is a folder of JPEG photos. Starts the web process and Redis with
an empty database and no worker. Beside it, one process makes our pictures of these photos, and nothing else.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from benchmarks.figures import machine, percentile, told
from benchmarks.installation import new, process, redis_server, wait_until
from shared import accounts
from shared.database import Database
from shared.photos.intake import prepare
from shared.settings import Settings

CLIENTS = (1, 8, 32)


def main() -> None:
    """Measure, and print what was measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.upload", description=__doc__)
    parser.add_argument("photos", type=Path, help="a folder of JPEG photos")
    parser.add_argument("--count", type=int, default=300, help="uploads per number of clients")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    photos = [path.read_bytes() for path in sorted(options.photos.rglob("*.jpg"))[: options.count]]
    with tempfile.TemporaryDirectory(prefix="hangtag-upload-") as folder:
        settings = new(Path(folder) / "data")
        with redis_server(settings), process(settings, "web"):
            wait_until(lambda: _lives(settings), "the web process answers")
            _measure(settings, photos, options.rounds)


def _measure(settings: Settings, photos: list[bytes], rounds: int) -> None:
    print(f"{machine()}; {len(photos)} photos, {sum(map(len, photos)) // len(photos) // 1000} kB on average")
    _upload(settings, photos[:32], 8, "warm-up")
    for clients in CLIENTS:
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
        print(f"    against one process that only decodes and encodes: {ratio}")


def _bare(photos: list[bytes]) -> float:
    """Photos per second of one process that makes our picture of each, and nothing else."""
    began = time.perf_counter()
    for photo in photos:
        prepare(photo)
    return len(photos) / (time.perf_counter() - began)


def _upload(settings: Settings, photos: list[bytes], clients: int, name: str) -> list[float]:
    """Seconds of each upload by a person of their own, so that no photo is known already."""
    headers = {"Authorization": f"Bearer {_key(settings, name)}"}
    limits = httpx.Limits(max_connections=clients, max_keepalive_connections=clients)
    with (
        httpx.Client(base_url=_url(settings), headers=headers, limits=limits, timeout=60) as client,
        ThreadPoolExecutor(clients) as pool,
    ):
        return list(pool.map(lambda photo: _one(client, photo), photos))


def _one(client: httpx.Client, photo: bytes) -> float:
    began = time.perf_counter()
    response = client.post("/api/v1/classifications", files={"photo": ("photo.jpg", photo)})
    response.raise_for_status()
    return time.perf_counter() - began


def _key(settings: Settings, name: str) -> str:
    database = Database(settings.database_url)
    try:
        with database.write() as session:
            person = accounts.add_user(session, f"Bench {name}", "seller")
            return accounts.create_key(session, person.id, name, ["classify", "read"])[1]
    finally:
        database.close()


def _url(settings: Settings) -> str:
    return f"http://127.0.0.1:{settings.port}"


def _lives(settings: Settings) -> bool:
    try:
        return httpx.get(f"{_url(settings)}/healthz", timeout=1).status_code == 200
    except httpx.HTTPError:
        return False


if __name__ == "__main__":
    main()
