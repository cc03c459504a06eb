"""Files that are gone or damaged: X9, X14."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from shared.blobs import BlobStore, head_key, photo_key
from shared.jobs.states import JobState
from shared.models import registry
from shared.tables import Job, ModelVersion, Photo
from tests.factories import add_version
from tests.faults.system import System, as_json
from tests.processes import wait_until


def blob_file(system: System, key: str) -> Path:
    """The file of a blob."""
    folder = BlobStore(system.settings.blob_url).folder
    assert folder is not None
    return folder / key


def digest_of(system: System, job_id: str) -> str:
    """The digest of a job's photo."""
    with system.database() as database, database.read() as session:
        return session.get_one(Photo, session.get_one(Job, job_id).photo_id).digest


def test_a_photo_whose_file_is_gone_fails_with_a_reason_and_its_neighbours_are_answered(
    system: System, seeds: Iterator[int]
) -> None:
    with system.frozen_child("worker-predict"):
        ids = system.accept(islice(seeds, 5))
        lost = ids.pop(2)
        path = blob_file(system, photo_key(digest_of(system, lost)))
        kept = path.read_bytes()
        path.unlink()
    (job,) = system.ended([lost])
    assert (job.state, job.error_code, job.attempt) == (JobState.FAILED, "blob_missing", 1)
    assert {job.state for job in system.ended(ids)} == {JobState.SUCCEEDED}
    with system.api() as client:
        listed = as_json(client.get("/api/v1/jobs", params={"state": "failed"}))
    assert lost in [row["id"] for row in listed["jobs"]]
    path.write_bytes(kept)  # other tests look whether every photo of this system has its pixels


@pytest.fixture
def damaged(system: System) -> Iterator[tuple[int, ModelVersion]]:
    """The champion's number, and a newer version whose file is damaged."""
    with system.database() as database:
        blobs = BlobStore(system.settings.blob_url)
        digest = system.env["HANGTAG_BASE_WEIGHTS_DIGEST"]
        newer = add_version(database, blobs, base_digest=digest, seed=14)
        with database.read() as session:
            champion = registry.require_champion(session).number
        path = blob_file(system, head_key(newer.head_digest))
        path.write_bytes(path.read_bytes()[:-1] + b"?")
        yield champion, newer
        with database.write() as session:
            registry.promote(session, champion, "Ada", "The other one is damaged.")


def test_a_version_whose_file_is_damaged_is_refused_when_it_is_promoted(
    system: System, damaged: tuple[int, ModelVersion]
) -> None:
    champion, newer = damaged
    with system.api() as client:
        body = {"version": newer.number, "reason": "It is newer."}
        answer = client.put("/api/v1/aliases/champion", json=body)
        assert (answer.status_code, as_json(answer)["code"]) == (409, "model_checksum_mismatch")
        assert as_json(client.get(f"/api/v1/models/{champion}"))["aliases"] == ["champion"]


def test_a_champion_whose_file_is_damaged_leaves_the_one_before_it_serving_and_says_so(
    system: System, damaged: tuple[int, ModelVersion], seeds: Iterator[int]
) -> None:
    champion, newer = damaged
    with system.database() as database, database.write() as session:
        registry.promote(session, newer.number, "Ada", "Its file was whole a moment ago.")
    log = system.log("worker-predict")
    wait_until(lambda: "model_checksum_mismatch" in log.read_text(), 15, "the worker refuses it")
    (job,) = system.ended(system.accept(islice(seeds, 1)))
    assert job.state is JobState.SUCCEEDED
    assert job.result is not None
    assert job.result["model_version"] == champion
    with system.api() as client:
        wait_until(lambda: not as_json(client.get("/readyz"))["checks"]["champion"]["ok"], 15, "it is told")
        answer = client.get("/readyz")
    assert (answer.status_code, as_json(answer)["degraded"]) == (200, True)
    assert str(champion) in as_json(answer)["checks"]["champion"]["detail"]


def test_a_worker_that_starts_with_a_damaged_champion_serves_with_the_one_before_it(
    system: System, damaged: tuple[int, ModelVersion], seeds: Iterator[int]
) -> None:
    champion, newer = damaged
    with system.database() as database, database.write() as session:
        registry.promote(session, newer.number, "Ada", "Its file was whole a moment ago.")
    system.kill("worker-predict")
    system.start("worker-predict")
    (job,) = system.ended(system.accept(islice(seeds, 1)))
    assert job.result is not None
    assert job.result["model_version"] == champion
