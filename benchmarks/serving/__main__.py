"""Hangtag against what people build today: photos per second over HTTP, from upload to answer.

`python -m benchmarks.serving DATA PHOTOS --python RIVALS/bin/python`: DATA is the data folder of an
installation whose champion serves in 8 bits (it is copied), PHOTOS a folder of JPEG photos, RIVALS a virtual
environment with `requirements/cpu.txt` and `benchmarks/serving/requirements.txt`. The sides take turns on the
same photos; both run all the time. Hangtag stores each photo and each answer; the others keep nothing.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import httpx
import numpy as np
import numpy.typing as npt

from benchmarks.bare import bare_rate
from benchmarks.clients import headers_of_new_person, photos_in, send_photo
from benchmarks.figures import machine, told
from benchmarks.installation import copy_of, process, redis_server
from benchmarks.serving.network import load
from benchmarks.serving.rivals import POLL_SECONDS, RIVALS, Ask, Rival, serving, wait_for_answer
from cli.local import local_address
from shared.photos.pixels import read_pixels
from shared.redis_server import celery_url
from shared.settings import Settings

WARM_UP = 32
# Ready arrays in memory, fed again and again to the bare engine.
READY = 100


def main() -> None:
    """Measure, and print what was measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serving", description=__doc__)
    parser.add_argument("data", type=Path, help="the data folder of an installation with an int8 champion")
    parser.add_argument("photos", type=Path, help="a folder of JPEG photos")
    parser.add_argument(
        "--python", type=Path, required=True, help="the interpreter of the rivals' environment"
    )
    parser.add_argument("--rivals", nargs="+", choices=RIVALS, default=list(RIVALS))
    parser.add_argument("--networks", nargs="+", default=["keras-predict", "tensorflow", "int8"])
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--count", type=int, default=200, help="photos per pass")
    parser.add_argument("--pairs", type=int, default=5)
    options = parser.parse_args()
    photos = photos_in(options.photos, options.count)
    with tempfile.TemporaryDirectory(prefix="hangtag-serving-") as folder, ExitStack() as stack:
        settings = copy_of(options.data, Path(folder) / "data")
        stack.enter_context(redis_server(settings))
        for name in ("web", "worker-predict"):
            stack.enter_context(process(settings, name))
        ours = Ours(settings, options.clients)
        print(f"{machine()}; {len(photos)} photos, {options.clients} clients")
        for rival in (RIVALS[name] for name in options.rivals):
            for network in (network for network in rival.networks if network in options.networks):
                with serving(rival, network, settings, options.python, celery_url(settings)) as url:
                    _compare(ours, Theirs(rival, url, options.clients), network, photos, options.pairs)


class Ours:
    """Hangtag, asked by a new person in each pass, so that no photo is known already."""

    def __init__(self, settings: Settings, clients: int) -> None:
        self._settings = settings
        self._clients = clients
        self._passes = 0
        self.engine = load("int8").engine

    def classify(self, photos: list[bytes]) -> tuple[float, list[str]]:
        """Photos per second, and the categories."""
        self._passes += 1
        headers = headers_of_new_person(self._settings, f"pass {self._passes}") | {"Prefer": "wait=60"}
        return _timed(local_address(self._settings), headers, self._clients, _ask_hangtag, photos)


class Theirs:
    """A rival that serves."""

    def __init__(self, rival: Rival, url: str, clients: int) -> None:
        self.rival = rival
        self._url = url
        self._clients = clients

    def classify(self, photos: list[bytes]) -> tuple[float, list[str]]:
        """Photos per second, and the categories."""
        return _timed(self._url, {}, self._clients, self.rival.ask, photos)


def _compare(ours: Ours, theirs: Theirs, network: str, photos: list[bytes], pairs: int) -> None:
    name = f"{theirs.rival.name} ({network})"
    wait_for_answer(lambda: theirs.classify(photos[:1])[1][0], f"{name} answers")
    wait_for_answer(lambda: ours.classify(photos[:1])[1][0], "Hangtag answers")
    for side in (ours, theirs):
        side.classify(photos[:WARM_UP])
    rates: dict[str, list[float]] = {"ours": [], "theirs": [], "bare": []}
    pixels = _pixels(photos, ours.engine.feature_space.image_size)
    same = 0.0
    for number in range(pairs):
        turns: list[tuple[str, Callable[[list[bytes]], tuple[float, list[str]]]]] = [
            ("ours", ours.classify),
            ("theirs", theirs.classify),
        ]
        said = {}
        for side_name, classify in turns if number % 2 else reversed(turns):
            rate, said[side_name] = classify(photos)
            rates[side_name].append(rate)
        rates["bare"].append(bare_rate(ours.engine, pixels, len(photos)))
        same = float(np.mean([a == b for a, b in zip(said["ours"], said["theirs"], strict=True)]))
    print(f"{name}; {machine()}")
    for side_name, values in rates.items():
        print(f"  {side_name:<7}{told(values, 1)} photos/s")
    print(f"  ours / theirs {_ratio(rates['ours'], rates['theirs'])}")
    print(f"  ours / bare   {_ratio(rates['ours'], rates['bare'])}")
    print(f"  the same category for {same:.1%} of the photos", flush=True)


def _ratio(these: list[float], those: list[float]) -> str:
    return told([one / other for one, other in zip(these, those, strict=True)])


def _timed(
    url: str, headers: dict[str, str], clients: int, ask: Ask, photos: list[bytes]
) -> tuple[float, list[str]]:
    limits = httpx.Limits(max_connections=clients, max_keepalive_connections=clients)
    with (
        httpx.Client(base_url=url, headers=headers, limits=limits, timeout=120) as client,
        ThreadPoolExecutor(clients) as pool,
    ):
        began = time.perf_counter()
        categories = list(pool.map(lambda photo: ask(client, photo), photos))
        return len(photos) / (time.perf_counter() - began), categories


def _ask_hangtag(client: httpx.Client, photo: bytes) -> str:
    job = send_photo(client, photo).json()["job"]
    while job["result"] is None:  # as many wait in that web process as may: asked again, as its header says
        time.sleep(POLL_SECONDS)
        job = client.get(f"/api/v1/jobs/{job['id']}?wait=60").raise_for_status().json()
    return str(job["result"]["category"])


def _pixels(photos: list[bytes], size: int) -> npt.NDArray[np.uint8]:
    return np.stack([read_pixels(photo, size) for photo in photos[:READY]])


if __name__ == "__main__":
    main()
