"""A photo goes in, an answer comes out, through real HTTP, Redis, Celery workers, network and database."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import numpy as np
import psutil
import pytest
import redis

from shared.blobs import BlobStore, photo_key
from shared.database import Database
from shared.jobs.states import Split
from shared.models import registry
from shared.photos.pixels import read_pixels
from shared.redis_server import client_url
from tests.factories import CLASSES, picture
from tests.live_system import LiveSystem
from tests.processes import asked, wait_until, with_command
from worker.engines.choose import load_engine

# The limit counts the start of the whole system, too, which alone may take four minutes.
pytestmark = pytest.mark.timeout(900)

WAIT = {"Prefer": "wait=60"}


def send(client: httpx.Client, seed: int, headers: dict[str, str] | None = None) -> httpx.Response:
    files = {"photo": (f"{seed}.jpg", picture(seed), "image/jpeg")}
    return client.post("/api/v1/classifications", files=files, headers=headers or {})


def finish(client: httpx.Client, job_id: str) -> dict[str, object]:
    answer: dict[str, object] = client.get(f"/api/v1/jobs/{job_id}", params={"wait": 60}).json()
    return answer


def worker_children(system: LiveSystem, part: str) -> list[psutil.Process]:
    assert system.process is not None
    return with_command(psutil.Process(system.process.pid).children(recursive=True), part)


def test_a_photo_is_answered_while_the_client_waits(system: LiveSystem) -> None:
    with system.api() as client:
        response = send(client, 5001, WAIT)
    assert response.status_code == 200
    job = response.json()["job"]
    assert (job["state"], job["attempt"]) == ("succeeded", 1)
    result = job["result"]
    assert result["category"] == result["top"][0]["category"]
    assert result["category"] in CLASSES
    assert result["confidence"] == result["top"][0]["probability"]
    assert result["decision"] in ("suggest", "ask")
    assert result["photo_id"] == response.json()["photo"]["id"]


def test_the_answer_is_what_network_and_head_say_about_the_stored_photo(system: LiveSystem) -> None:
    with system.api() as client:
        body = send(client, 5002, WAIT).json()
    settings = system.settings
    blobs = BlobStore(settings.blob_url)
    database = Database(settings.database_url)
    with database.read() as session:
        version = registry.find(session, body["job"]["result"]["model_version"])
    database.close()
    pixels = read_pixels(blobs.get(photo_key(body["photo"]["sha256"])), version.image_size)
    features = load_engine(settings, registry.space_of(version)).features(pixels[np.newaxis])
    expected = registry.load_head(blobs, version).probabilities(features)[0]
    answered = {row["category"]: row["probability"] for row in body["job"]["result"]["top"]}
    for category, probability in answered.items():
        assert probability == pytest.approx(expected[version.classes.index(category)], abs=1e-4)


def test_forty_photos_at_once_each_get_one_answer_at_the_first_attempt(system: LiveSystem) -> None:
    with system.api() as client, ThreadPoolExecutor(8) as pool:
        sent = list(pool.map(lambda seed: send(client, seed), range(5100, 5140)))
        jobs = [finish(client, response.json()["job"]["id"]) for response in sent]
    assert {response.status_code for response in sent} == {202}
    assert {(job["state"], job["attempt"]) for job in jobs} == {("succeeded", 1)}


def test_photos_whose_wake_ups_redis_lost_are_answered_all_the_same(system: LiveSystem) -> None:
    with system.api() as client:
        ids = [send(client, seed).json()["job"]["id"] for seed in range(5200, 5220)]
        broker = redis.Redis.from_url(client_url(system.settings))
        broker.flushall()
        broker.close()
        states = {finish(client, job_id)["state"] for job_id in ids}
    assert states == {"succeeded"}


def test_a_killed_prediction_worker_is_replaced_and_loses_no_photo(system: LiveSystem) -> None:
    with system.api() as client:
        ids = [send(client, seed).json()["job"]["id"] for seed in range(5300, 5340)]
        for process in worker_children(system, "worker.predict_app"):
            os.kill(process.pid, signal.SIGKILL)
        for job_id in ids:
            wait_until(
                lambda job_id=job_id: finish(client, job_id)["state"] == "succeeded",  # type: ignore[misc]
                120,
                "the photo of a killed worker is answered",
            )
    assert "worker-predict" in system.log.read_text()


def test_a_training_makes_a_version_that_can_be_promoted_and_answers(
    system: LiveSystem, tmp_path: Path
) -> None:
    for number, (split, label) in enumerate((s, c) for s in Split for c in ("hat", "shoes")):
        folder = tmp_path / split / label
        folder.mkdir(parents=True)
        for copy in range(3):
            (folder / f"{copy}.jpg").write_bytes(picture(1000 + 10 * number + copy))
    from shared.datasets.importing import import_folder  # noqa: PLC0415

    database, blobs = Database(system.settings.database_url), BlobStore(system.settings.blob_url)
    import_folder(database, blobs, tmp_path)
    database.close()
    with system.api(wait_seconds=300) as client:
        body = {"preset": "quick", "image_size": 71, "epochs": 3}
        started = client.post("/api/v1/trainings", json=body)
        assert started.status_code == 202
        job_id = started.json()["job"]["id"]
        wait_until(lambda: finish(client, job_id)["finished_at"] is not None, 240, "the training ends")
        job = finish(client, job_id)
        assert job["state"] == "succeeded", job["error"]
        result = job["result"]
        assert isinstance(result, dict)
        number = result["model_version"]
        version = client.get(f"/api/v1/models/{number}").json()
        # On SQLite the browser tests share this system, and what they imported is learned from as well.
        tested = sum(version["lineage"]["dataset_counts"]["test"].values())
        assert tested >= 6
        assert version["metrics"]["test"]["count"] == tested
        assert sum(map(sum, version["metrics"]["test"]["confusion"])) == tested
        assert version["lineage"]["seed"] == 42
        assert version["lineage"]["libraries"]["keras"]
        epochs = client.get(f"/api/v1/trainings/{job_id}/metrics").json()["epochs"]
        assert [row["epoch"] for row in epochs] == list(range(1, len(epochs) + 1))
        before = client.get("/api/v1/models").json()["versions"]
        assert [v["aliases"] for v in before if v["number"] == number] == [[]]
        promotion = {"version": number, "reason": "It is newer."}
        refused = client.put("/api/v1/aliases/champion", json=promotion)
        assert (refused.status_code, refused.json()["code"]) == (409, "promotion_refused")
        assert "enough_photos" in {error["field"] for error in refused.json()["errors"]}
        overridden = client.put("/api/v1/aliases/champion", json={**promotion, "override": True})
        assert overridden.status_code == 200
        assert send(client, 5002, WAIT).json()["job"]["result"]["model_version"] == number
        back = {"reason": "Other tests know the first one."}
        answer = client.post("/api/v1/aliases/champion/rollback", json=back)
        assert (answer.status_code, answer.json()["number"]) == (200, 1)


def test_prediction_workers_on_openvino_never_load_tensorflow(system: LiveSystem) -> None:
    environments = asked(worker_children(system, "spawn_main"), psutil.Process.environ)
    predicting = [child for child, env in environments if env["SUPERVISOR_PROCESS_NAME"] == "worker-predict"]
    loaded = {entry.path for _, maps in asked(predicting, psutil.Process.memory_maps) for entry in maps}
    assert any("/openvino/" in path for path in loaded)
    assert not [path for path in loaded if "/site-packages/tensorflow/" in path]
