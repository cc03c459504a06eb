"""Deleting photos, and taking along or deleting everything."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator

import pytest
from apiflask import APIFlask
from sqlalchemy import select

from shared import accounts
from shared.blobs import BlobStore, photo_key, thumbnail_key
from shared.database import Database
from shared.errors import BlobMissingError, TransientError
from shared.jobs import store
from shared.jobs.states import JobKind, Split
from shared.models import evaluated
from shared.photos import deletion, predictions
from shared.reviewing import store as reviewing
from shared.tables import (
    DatasetExample,
    DatasetVersion,
    DeletedPhoto,
    EvaluatedPhoto,
    Example,
    Job,
    Photo,
    Prediction,
    Review,
    User,
)
from tests.factories import add_champion, add_key, add_version, picture
from tests.web.conftest import Api

ANSWER = {"category": "hat", "confidence": 0.9, "decision": "suggest", "top": []}


def upload(api: Api, seed: int = 1) -> tuple[str, str, str]:
    """The ids of a photo and its job, and the photo's digest."""
    data = {"photo": (io.BytesIO(picture(seed)), f"{seed}.jpg")}
    body = api("POST", "/api/v1/classifications", data=data, content_type="multipart/form-data").json
    return body["photo"]["id"], body["job"]["id"], body["photo"]["sha256"]


def answer(database: Database, blobs: BlobStore) -> None:
    """Answer all that waits."""
    version = add_champion(database, blobs)
    with database.write() as session:
        for job in store.claim(session, JobKind.CLASSIFY, "w", 10):
            predictions.remember(session, str(job.photo_id), version.number, "openvino", ANSWER)
            result = predictions.result(session, str(job.photo_id), version.number)
            store.succeed(session, job.id, job.attempt, result or {})


def is_stored(blobs: BlobStore, digest: str) -> bool:
    try:
        return bool(blobs.get(photo_key(digest)) and blobs.get(thumbnail_key(digest)))
    except BlobMissingError:
        return False


def add_example(database: Database, digest: str, source: str) -> None:
    with database.write() as session:
        session.add(Example(digest=digest, label="hat", split=Split.TRAIN, source=source))


def example_of(database: Database, digest: str) -> Example | None:
    with database.read() as session:
        return session.get(Example, digest)


def test_nothing_of_a_deleted_photo_is_left_but_the_row_of_its_job(
    as_seller: Api, database: Database, blobs: BlobStore
) -> None:
    photo_id, job_id, digest = upload(as_seller)
    answer(database, blobs)
    assert as_seller("DELETE", f"/api/v1/photos/{photo_id}").status_code == 204
    for path in ("", "/thumbnail"):
        assert as_seller("GET", f"/api/v1/photos/{photo_id}{path}").status_code == 404
    assert not is_stored(blobs, digest)
    with database.read() as session:
        assert session.scalars(select(Prediction)).all() == []
        assert session.scalars(select(Photo)).all() == []
    job = as_seller("GET", f"/api/v1/jobs/{job_id}").json
    assert (job["state"], job["result"], job["error"]["code"]) == ("succeeded", None, "photo_deleted")
    assert as_seller("DELETE", f"/api/v1/photos/{photo_id}").status_code == 404


def test_a_waiting_job_of_a_deleted_photo_is_cancelled_and_cannot_be_tried_again(
    as_seller: Api, database: Database
) -> None:
    photo_id, job_id, _ = upload(as_seller)
    as_seller("DELETE", f"/api/v1/photos/{photo_id}")
    assert as_seller("GET", f"/api/v1/jobs/{job_id}").json["state"] == "cancelled"
    again = as_seller("POST", f"/api/v1/jobs/{job_id}/retry")
    assert (again.status_code, again.json["code"]) == (409, "photo_deleted")
    with database.write() as session:
        assert store.claim(session, JobKind.CLASSIFY, "w", 10) == []


def test_a_running_job_of_a_deleted_photo_is_asked_to_stop(as_seller: Api, database: Database) -> None:
    photo_id, job_id, _ = upload(as_seller)
    with database.write() as session:
        (job,) = store.claim(session, JobKind.CLASSIFY, "w", 1)
    as_seller("DELETE", f"/api/v1/photos/{photo_id}")
    with database.write() as session:
        assert store.renew(session, job.id, job.attempt) is True
        store.cancelled(session, job.id, job.attempt)
    assert as_seller("GET", f"/api/v1/jobs/{job_id}").json["state"] == "cancelled"


def test_a_batch_says_that_its_photo_was_deleted(as_seller: Api) -> None:
    data = {"photo": [(io.BytesIO(picture(1)), "a.jpg"), (io.BytesIO(picture(2)), "b.jpg")]}
    sent = as_seller("POST", "/api/v1/batches", data=data, content_type="multipart/form-data").json
    as_seller("DELETE", f"/api/v1/photos/{sent['items'][0]['photo_id']}")
    found = as_seller("GET", f"/api/v1/batches/{sent['batch']['id']}").json
    assert found["batch"]["counts"] == {"deleted": 1, "queued": 1}
    assert (found["items"][0]["state"], found["items"][0]["photo_id"]) == ("deleted", None)


def test_somebody_elses_photo_cannot_be_deleted_and_answers_like_an_unknown_one(
    as_seller: Api, as_admin: Api
) -> None:
    theirs, _, _ = upload(as_admin)
    foreign = as_seller("DELETE", f"/api/v1/photos/{theirs}")
    unknown = as_seller("DELETE", "/api/v1/photos/01a00000-0000-7000-8000-000000000000")
    assert foreign.status_code == unknown.status_code == 404
    assert foreign.json["detail"] == unknown.json["detail"]
    assert as_admin("GET", f"/api/v1/photos/{theirs}").status_code == 200


def test_pixels_that_somebody_else_has_too_stay(as_seller: Api, as_admin: Api, blobs: BlobStore) -> None:
    mine, _, digest = upload(as_seller)
    theirs, _, _ = upload(as_admin)
    as_seller("DELETE", f"/api/v1/photos/{mine}")
    assert is_stored(blobs, digest)
    assert as_admin("GET", f"/api/v1/photos/{theirs}").status_code == 200
    as_admin("DELETE", f"/api/v1/photos/{theirs}")
    assert not is_stored(blobs, digest)


def test_an_imported_example_keeps_its_pixels_and_a_sellers_decision_is_withdrawn(
    as_seller: Api, database: Database, blobs: BlobStore
) -> None:
    imported, _, kept = upload(as_seller, 1)
    decided, _, gone = upload(as_seller, 2)
    add_example(database, kept, "import:clothing")
    add_example(database, gone, "listing:1")
    for photo_id in (imported, decided):
        as_seller("DELETE", f"/api/v1/photos/{photo_id}")
    assert example_of(database, kept) is not None
    assert is_stored(blobs, kept)
    assert example_of(database, gone) is None
    assert not is_stored(blobs, gone)


def test_a_photo_sent_again_after_its_deletion_is_a_new_photo(
    as_seller: Api, database: Database, blobs: BlobStore
) -> None:
    first, _, digest = upload(as_seller)
    as_seller("DELETE", f"/api/v1/photos/{first}")
    second, _, _ = upload(as_seller)
    assert second != first
    deletion.remove_stored(database, blobs, [digest])  # what maintenance does again
    assert as_seller("GET", f"/api/v1/photos/{second}").status_code == 200


@pytest.fixture
def stuck_storage(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A blob store that removes nothing."""

    def fail(*_: object) -> bool:
        raise TransientError("The photo storage does not answer.")

    with monkeypatch.context() as patched:
        patched.setattr(BlobStore, "delete_if_before", fail)
        yield


@pytest.mark.usefixtures("stuck_storage")
def test_a_deletion_counts_even_when_the_storage_does_not_answer(as_seller: Api, database: Database) -> None:
    photo_id, _, digest = upload(as_seller)
    assert as_seller("DELETE", f"/api/v1/photos/{photo_id}").status_code == 204
    assert as_seller("GET", f"/api/v1/photos/{photo_id}").status_code == 404
    with database.read() as session:
        assert deletion.to_remove(session, 10) == [digest]


def test_everything_can_be_taken_along(
    as_seller: Api, as_admin: Api, database: Database, blobs: BlobStore
) -> None:
    photo_id, job_id, _ = upload(as_seller, 1)
    upload(as_admin, 2)
    answer(database, blobs)
    response = as_seller("GET", "/api/v1/account/data")
    assert response.content_type == "application/zip"
    with zipfile.ZipFile(io.BytesIO(response.data)) as archive:
        assert archive.testzip() is None
        assert archive.read(f"photos/{photo_id}.jpg") == as_seller("GET", f"/api/v1/photos/{photo_id}").data
        lines = {
            name: [json.loads(line) for line in archive.read(f"{name}.jsonl").splitlines()]
            for name in ("photos", "jobs", "predictions", "listings", "batches")
        }
    assert [photo["id"] for photo in lines["photos"]] == [photo_id]
    assert [job["id"] for job in lines["jobs"]] == [job_id]
    assert [(line["photo_id"], line["category"]) for line in lines["predictions"]] == [(photo_id, "hat")]


def test_an_export_says_which_files_are_gone(as_seller: Api, blobs: BlobStore) -> None:
    photo_id, _, digest = upload(as_seller)
    blobs.delete(photo_key(digest))
    data = as_seller("GET", "/api/v1/account/data").data
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.read("missing.txt").decode().split() == [photo_id]


def test_everything_of_one_person_can_be_deleted_and_nothing_of_another(
    as_seller: Api, as_admin: Api, database: Database, blobs: BlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deletion, "CHUNK", 2)
    mine = [upload(as_seller, seed) for seed in range(5)]
    theirs = upload(as_admin, 9)
    answer(database, blobs)
    deleted = as_seller("DELETE", "/api/v1/account/data")
    assert deleted.json == {"photos": 5, "batches": 0, "reviews": 0}
    assert not any(is_stored(blobs, digest) for _, _, digest in mine)
    assert as_seller("GET", "/api/v1/jobs").json["jobs"] == []
    assert is_stored(blobs, theirs[2])
    with database.read() as session:
        assert [photo.id for photo in session.scalars(select(Photo))] == [theirs[0]]
        assert [job.id for job in session.scalars(select(Job))] == [theirs[1]]
        assert len(session.scalars(select(DeletedPhoto)).all()) == 5
    assert as_seller("DELETE", "/api/v1/account/data").json == {"photos": 0, "batches": 0, "reviews": 0}


def test_what_versions_answered_for_a_deleted_test_photo_goes_with_it(
    as_seller: Api, database: Database, blobs: BlobStore
) -> None:
    version = add_version(database, blobs)
    gone, _, digest = upload(as_seller, 1)
    _, _, kept = upload(as_seller, 2)
    with database.write() as session:
        session.add(DatasetVersion(number=1, digest="0" * 64, classes=["hat"], counts={}))
        session.flush()
        for each in (digest, kept):
            answered = {"truth": "hat", "answer": "hat", "confidence": 0.9}
            session.add(DatasetExample(dataset_version=1, digest=each, label="hat", split=Split.TEST))
            session.add(EvaluatedPhoto(version=version.number, dataset_version=1, digest=each, **answered))
    as_seller("DELETE", f"/api/v1/photos/{gone}")
    with database.read() as session:
        assert [row.digest for row in evaluated.of(session, version.number, 1)] == [kept]


def test_reviews_are_taken_along_and_deleted_with_everything(
    as_seller: Api, app: APIFlask, database: Database, blobs: BlobStore, seller: User
) -> None:
    photo_id, _, digest = upload(as_seller)
    answer(database, blobs)
    with database.write() as session:
        reviewer = accounts.add_user(session, "Rae", "reviewer")
        reviewing.answer(session, reviewer.id, photo_id, 1, "hat")
    example = example_of(database, digest)
    assert example is not None
    theirs = Api(app.test_client(), add_key(database, reviewer, "classify", "read"))
    for api, by_you in ((as_seller, False), (theirs, True)):
        with zipfile.ZipFile(io.BytesIO(api("GET", "/api/v1/account/data").data)) as archive:
            (line,) = archive.read("reviews.jsonl").splitlines()
        found = json.loads(line)
        assert (found["photo_id"], found["label"], found["by_you"]) == (photo_id, "hat", by_you)
        assert reviewer.id not in line.decode()
    assert theirs("DELETE", "/api/v1/account/data").json == {"photos": 0, "batches": 0, "reviews": 1}
    assert example_of(database, digest) is None
    assert as_seller("GET", f"/api/v1/photos/{photo_id}").status_code == 200
    with database.read() as session:
        assert session.scalars(select(Review)).all() == []


def test_webhooks_are_taken_along_without_their_secret_and_deleted_with_everything(
    as_seller: Api, as_admin: Api
) -> None:
    for api, url in ((as_seller, "https://shop.example/told"), (as_admin, "https://office.example/told")):
        added = api("POST", "/api/v1/webhooks", json={"url": url, "events": ["job.succeeded"]})
        assert added.status_code == 201, added.text
    with zipfile.ZipFile(io.BytesIO(as_seller("GET", "/api/v1/account/data").data)) as archive:
        (line,) = archive.read("webhooks.jsonl").splitlines()
    found = json.loads(line)
    assert (found["url"], found["events"]) == ("https://shop.example/told", ["job.succeeded"])
    assert not {"secret", "salt", "secret_digest"} & found.keys()
    assert as_seller("DELETE", "/api/v1/account/data").status_code == 200
    assert as_seller("GET", "/api/v1/webhooks").json["webhooks"] == []
    (left,) = as_admin("GET", "/api/v1/webhooks").json["webhooks"]
    assert left["url"] == "https://office.example/told"
