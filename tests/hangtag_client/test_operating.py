"""What operators and trainers do with `hangtag_client`, against the real web server."""

from __future__ import annotations

import asyncio
import zipfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from hangtag_client import ApiError, AsyncClient, Client, UnreachableError
from shared.blobs import BlobStore
from shared.datasets import store as datasets
from shared.jobs import failures
from shared.jobs.states import JobState, Split
from shared.tables import Example
from tests.factories import CLASSES, add_champion, add_failures, add_key, add_user, add_version, picture
from tests.hangtag_client.gateway import LOSE_ANSWER, Gateway
from tests.web_server import WebServer, serve


@pytest.fixture(scope="module")
def server(short_tmp: Path, redis_url: str) -> Iterator[WebServer]:
    """A server of its own: others expect that there are no versions."""
    with serve(short_tmp / "operating", redis_url) as running:
        yield running


@pytest.fixture(scope="module")
def key(server: WebServer) -> str:
    """A key that may do everything."""
    return add_key(server.database, server.admin, "classify", "read", "train", "admin")


@pytest.fixture(scope="module")
def dataset(server: WebServer) -> int:
    """A dataset version that can be trained on."""
    with server.database.write() as session:
        for place, (split, label) in enumerate((split, label) for split in Split for label in CLASSES):
            session.add(Example(digest=f"{place:064}", label=label, split=split, source="test"))
        return datasets.freeze(session).number


def test_jobs_come_in_pages_and_filtered(
    hangtag: Client, server: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hangtag_client.operator_calls.PAGE", 2)
    lost = {job.id for job in add_failures(server.database, 5, code="lost_for_test")}
    assert {job.id for job in hangtag.jobs(error_code="lost_for_test", limit=50)} == lost
    assert len(hangtag.jobs(error_code="lost_for_test", limit=3)) == 3
    assert {job.state for job in hangtag.jobs(kind="classify", state="failed", handled="open")} == {"failed"}
    sent = hangtag.create_batch([picture(201), picture(202)]).batch
    assert hangtag.batches(limit=1) == [sent]


def test_failures_are_dealt_with_one_by_one_and_by_cause(
    hangtag: Client, server: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(failures, "BATCH", 2)
    add_failures(server.database, 3, code="gone_for_test")
    (other,) = add_failures(server.database, code="alone_for_test")
    (stuck,) = add_failures(server.database, code="stuck_for_test", state=JobState.QUARANTINED)
    counts = {group.error_code: group.count for group in hangtag.failures().failures}
    assert (counts["gone_for_test"], counts["alone_for_test"]) == (3, 1)
    assert hangtag.retry_failures("classify", "gone_for_test").count == 3
    assert hangtag.discard_failures("classify", "gone_for_test").count == 0
    assert hangtag.discard_job(other.id).id == other.id
    assert hangtag.release_job(stuck.id).state == "queued"
    assert hangtag.job(stuck.id).retried_as is not None


def test_queues_tell_what_waits(hangtag: Client) -> None:
    waiting = {queue.kind: queue.waiting for queue in hangtag.queues().queues}
    hangtag.classify(picture(203))
    after = {queue.kind: queue.waiting for queue in hangtag.queues().queues}
    assert after["classify"] == waiting["classify"] + 1


def test_datasets_and_sweeps_are_reached(hangtag: Client, dataset: int) -> None:
    assert hangtag.dataset(dataset) in hangtag.datasets()
    assert hangtag.create_dataset_version() == hangtag.dataset(dataset)
    assert hangtag.dataset(dataset).counts["test"] == dict.fromkeys(CLASSES, 1)
    published = hangtag.trials(hangtag.sweep("rates", dataset_version=dataset).id)
    assert (len(published.trials), published.varied) == (4, ["learning_rate"])
    plan = {"strategy": "grid", "over": {"dropout": [0.1, 0.2]}}
    own = hangtag.trials(hangtag.sweep(plan=plan, base={"preset": "quick", "epochs": 2}).id)
    assert [trial.parameters["epochs"] for trial in own.trials] == [2, 2]
    for job_id in (published.job.id, own.job.id):
        hangtag.cancel_job(job_id)


def test_a_version_is_promoted_once_and_the_way_back_is_open(
    server: WebServer, key: str, front: Gateway
) -> None:
    blobs = BlobStore(server.settings.blob_url)
    add_champion(server.database, blobs, seed=1)
    better = add_version(server.database, blobs, seed=2).number
    with Client(front.url, key) as hangtag:
        assert hangtag.promote(better, "Better on hats.").aliases == ["champion"]
        front.faults = [LOSE_ANSWER]
        with pytest.raises(UnreachableError):  # asked again, it would go back one version more
            hangtag.rollback("Worse on shirts.")
        assert hangtag.model(better).aliases == []
    assert front.seen.count("POST /api/v1/aliases/champion/rollback") == 1


def test_what_is_mine_is_saved_whole_and_deleted(server: WebServer, tmp_path: Path) -> None:
    key = add_key(server.database, add_user(server.database, "Robin"), "classify", "read")
    with Client(server.url, key) as hangtag:
        photo = hangtag.classify(picture(204)).photo
        target = tmp_path / "mine.zip"
        assert hangtag.save_my_data(target) == target.stat().st_size
        assert asyncio.run(_saved(server.url, key, tmp_path / "again.zip")) > 0
        for saved in (target, tmp_path / "again.zip"):
            with zipfile.ZipFile(saved) as packed:
                assert f"photos/{photo.id}.jpg" in packed.namelist()
        assert hangtag.delete_my_data().photos == 1
        with pytest.raises(FileNotFoundError):
            hangtag.save_my_data(tmp_path / "no" / "folder.zip")
    assert {path.name for path in tmp_path.iterdir()} == {"mine.zip", "again.zip"}


async def _saved(url: str, key: str, file: Path) -> int:
    async with AsyncClient(url, key) as hangtag:
        return await hangtag.save_my_data(file)


def test_a_photo_is_deleted_once(hangtag: Client) -> None:
    photo = hangtag.classify(picture(206)).photo
    hangtag.delete_photo(photo.id)
    with pytest.raises(ApiError) as caught:
        hangtag.delete_photo(photo.id)
    assert caught.value.code == "not_found"


def test_an_answer_goes_out_as_json_as_it_came_in(hangtag: Client, server: WebServer, key: str) -> None:
    listing = hangtag.create_listing("A hat", [hangtag.classify(picture(205)).photo.id])
    for path, answer in ((f"listings/{listing.id}", listing), ("queues", hangtag.queues())):
        headers = {"Authorization": f"Bearer {key}"}
        raw = httpx.get(f"{server.url}/api/v1/{path}", headers=headers, timeout=60).json()
        assert list(answer.as_json()) == list(raw)
    assert "etag" not in listing.as_json()


def test_an_impatient_client_says_at_once_that_nobody_answers(
    key: str, nobody: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("time.sleep", pauses.append)
    with Client(nobody, key, patient=False) as hangtag, pytest.raises(UnreachableError):
        hangtag.models()
    assert pauses == []


def test_an_impatient_client_is_patient_with_a_server_that_answered_before(key: str, front: Gateway) -> None:
    with Client(front.url, key, patient=False) as hangtag:
        hangtag.models()
        front.faults = [LOSE_ANSWER]
        hangtag.models()
    assert front.seen == ["GET /api/v1/models"] * 3
