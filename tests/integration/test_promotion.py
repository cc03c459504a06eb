"""Workers follow a promotion while photos come in: soon, in the same processes, without a mixed answer."""

from __future__ import annotations

import logging
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import numpy as np
import psutil
import pytest

from shared.blobs import BlobStore, photo_key
from shared.database import Database
from shared.models import registry
from shared.photos.pixels import read_pixels
from tests.factories import add_version, picture
from tests.live_system import LiveSystem
from tests.processes import wait_until, with_command
from worker.engines.choose import load_engine

# Promised are two, on a machine that is not shared; one that does not follow fails all the same.
FOLLOWED_SECONDS = 20
WAIT = {"Prefer": "wait=60"}


def answered(client: httpx.Client, seed: int) -> dict[str, Any]:
    """A new photo's finished job, with the digest of what was stored."""
    files = {"photo": (f"{seed}.jpg", picture(seed), "image/jpeg")}
    body = client.post("/api/v1/classifications", files=files, headers=WAIT).json()
    return {**body["job"], "sha256": body["photo"]["sha256"]}


def prediction_processes(system: LiveSystem) -> set[int]:
    assert system.process is not None
    everything = psutil.Process(system.process.pid).children(recursive=True)
    return {child.pid for child in with_command(everything, "worker.predict_app")}


def promote(client: httpx.Client, number: int) -> None:
    body = {"version": number, "reason": "To be followed.", "override": True}
    assert client.put("/api/v1/aliases/champion", json=body).status_code == 200


def test_a_promotion_is_followed_by_the_same_processes_and_every_answer_is_of_one_version(
    live_system: LiveSystem,
) -> None:
    settings = live_system.settings
    database, blobs = Database(settings.database_url), BlobStore(settings.blob_url)
    with database.read() as session:
        first = registry.require_champion(session)
    second = add_version(database, blobs, seed=77, base_digest=first.base_digest)
    before = prediction_processes(live_system)
    with live_system.api() as client, ThreadPoolExecutor(4) as pool:
        sent = [pool.submit(answered, client, seed) for seed in range(5400, 5430)]
        promote(client, second.number)
        began = time.monotonic()
        wait_until(lambda: serves(client, second.number), FOLLOWED_SECONDS, "the worker follows")
        took = time.monotonic() - began
        jobs = [job.result() for job in sent]
        after = [answered(client, seed) for seed in range(5430, 5434)]
        promote(client, first.number)
    logging.getLogger(__name__).info("followed after %.2f s", took)
    assert {(job["state"], job["attempt"]) for job in jobs + after} == {("succeeded", 1)}
    assert {job["result"]["model_version"] for job in after} == {second.number}
    assert prediction_processes(live_system) == before
    heads = {version.number: registry.load_head(blobs, version) for version in (first, second)}
    engine = load_engine(settings, registry.space_of(first))
    for job in jobs + after:
        pixels = read_pixels(blobs.get(photo_key(job["sha256"])), first.image_size)
        expected = heads[job["result"]["model_version"]].probabilities(engine.features(pixels[np.newaxis]))[0]
        for row in job["result"]["top"]:
            place = first.classes.index(row["category"])
            assert row["probability"] == pytest.approx(expected[place], abs=1e-4)
    database.close()


def serves(client: httpx.Client, number: int) -> bool:
    """Whether the prediction worker says that it answers with this version and no other."""
    champion = client.get("/readyz").json()["checks"]["champion"]
    return bool(champion["ok"] and champion["detail"] == f"version {number}")
