"""The same request sent again."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor

import pytest
from apiflask import APIFlask
from sqlalchemy import select

from shared.blobs import BlobStore
from shared.database import Database
from shared.jobs import store
from shared.jobs.states import JobKind, Split
from shared.photos import predictions
from shared.tables import DatasetVersion, IdempotencyKey, User
from tests.factories import add_champion, add_key, picture
from tests.web.conftest import Api

KEY = {"Idempotency-Key": "order-17"}


def photo(seed: int = 1) -> dict[str, object]:
    return {"data": {"photo": (io.BytesIO(picture(seed)), "a.jpg")}, "content_type": "multipart/form-data"}


def jobs_in(database: Database) -> int:
    with database.read() as session:
        return len(store.page(session).items)


def test_the_same_key_and_photo_get_the_first_answer_again(as_seller: Api, database: Database) -> None:
    first = as_seller("POST", "/api/v1/classifications", headers=KEY, **photo())
    again = as_seller("POST", "/api/v1/classifications", headers=KEY, **photo())
    assert (again.status_code, again.json) == (202, first.json)
    assert again.headers["Location"] == first.headers["Location"]
    assert again.headers["Idempotency-Replayed"] == "true"
    assert jobs_in(database) == 1


def test_the_same_key_with_another_photo_is_refused(as_seller: Api, database: Database) -> None:
    as_seller("POST", "/api/v1/classifications", headers=KEY, **photo(1))
    other = as_seller("POST", "/api/v1/classifications", headers=KEY, **photo(2))
    assert (other.status_code, other.json["code"]) == (422, "idempotency_key_reused")
    assert jobs_in(database) == 1


def test_the_same_key_sent_many_times_at_once_makes_one_job(
    app: APIFlask, database: Database, seller: User
) -> None:
    key = add_key(database, seller, "classify", "read")

    def send(_number: int) -> str:
        api = Api(app.test_client(), key)
        return str(api("POST", "/api/v1/classifications", headers=KEY, **photo()).json["job"]["id"])

    with ThreadPoolExecutor(6) as pool:
        ids = set(pool.map(send, range(12)))
    assert len(ids) == 1
    assert jobs_in(database) == 1


def test_two_people_may_use_the_same_key(as_seller: Api, as_admin: Api) -> None:
    mine = as_seller("POST", "/api/v1/classifications", headers=KEY, **photo()).json
    theirs = as_admin("POST", "/api/v1/classifications", headers=KEY, **photo()).json
    assert mine["job"]["id"] != theirs["job"]["id"]


def test_a_refused_photo_does_not_use_up_its_key(as_seller: Api) -> None:
    bad = {"data": {"photo": (io.BytesIO(b"no"), "a.jpg")}, "content_type": "multipart/form-data"}
    assert as_seller("POST", "/api/v1/classifications", headers=KEY, **bad).status_code == 415
    assert as_seller("POST", "/api/v1/classifications", headers=KEY, **photo()).status_code == 202


@pytest.mark.parametrize("key", ["", "a b", "x" * 201])
def test_a_key_that_cannot_be_one_is_refused(as_seller: Api, key: str) -> None:
    response = as_seller("POST", "/api/v1/classifications", headers={"Idempotency-Key": key}, **photo())
    assert (response.status_code, response.json["code"]) == (422, "idempotency_key_invalid")


def test_the_same_photo_uploaded_at_once_by_one_seller_is_one_photo(
    app: APIFlask, database: Database, seller: User
) -> None:
    key = add_key(database, seller, "classify", "read")

    def send(_number: int) -> str:
        api = Api(app.test_client(), key)
        return str(api("POST", "/api/v1/classifications", **photo()).json["photo"]["id"])

    with ThreadPoolExecutor(6) as pool:
        assert len(set(pool.map(send, range(12)))) == 1


def test_a_photo_the_champion_has_answered_is_answered_at_once(
    as_seller: Api, database: Database, blobs: BlobStore
) -> None:
    version = add_champion(database, blobs)
    first = as_seller("POST", "/api/v1/classifications", **photo()).json
    answer = {"category": "hat", "confidence": 0.9, "decision": "suggest", "top": []}
    with database.write() as session:
        predictions.remember(session, first["photo"]["id"], version.number, "openvino", answer)
    again = as_seller("POST", "/api/v1/classifications", **photo()).json["job"]
    assert (again["state"], again["result"]["category"], again["attempt"]) == ("succeeded", "hat", 0)
    assert again["created_at"] == again["started_at"] == again["finished_at"]
    with database.write() as session:
        assert [job.id for job in store.claim(session, JobKind.CLASSIFY, "w", 9)] == [first["job"]["id"]]


def test_what_the_champion_answered_for_somebody_else_is_not_shared(
    as_seller: Api, as_admin: Api, database: Database, blobs: BlobStore
) -> None:
    version = add_champion(database, blobs)
    theirs = as_admin("POST", "/api/v1/classifications", **photo()).json["photo"]["id"]
    answer = {"category": "hat", "confidence": 0.9, "decision": "suggest", "top": []}
    with database.write() as session:
        predictions.remember(session, theirs, version.number, "openvino", answer)
    mine = as_seller("POST", "/api/v1/classifications", **photo()).json
    assert mine["job"]["state"] == "queued"
    assert mine["photo"]["id"] != theirs


def test_a_training_sent_twice_with_one_key_runs_once(as_admin: Api, database: Database) -> None:
    with database.write() as session:
        counts = {split.value: {"hat": 1} for split in Split}
        session.add(DatasetVersion(digest="2" * 64, classes=["hat", "shoes"], counts=counts))
    ids = {
        as_admin("POST", "/api/v1/trainings", headers=KEY, json={"preset": "quick"}).json["job"]["id"]
        for _ in range(2)
    }
    assert len(ids) == 1


@pytest.mark.parametrize("everything", [False, True])
def test_no_answer_names_a_photo_that_was_deleted(
    as_seller: Api, database: Database, everything: bool
) -> None:
    first = as_seller("POST", "/api/v1/classifications", headers=KEY, **photo()).json
    listing = {"json": {"photo_ids": [first["photo"]["id"]]}, "headers": {"Idempotency-Key": "order-18"}}
    assert as_seller("POST", "/api/v1/listings", **listing).status_code == 201
    path = "/api/v1/account/data" if everything else f"/api/v1/photos/{first['photo']['id']}"
    assert as_seller("DELETE", path).status_code in (200, 204)
    with database.read() as session:
        kept = [str(row.answer) for row in session.scalars(select(IdempotencyKey))]
    assert not any(first["photo"]["id"] in answer or first["photo"]["sha256"] in answer for answer in kept)
    if not everything:  # a late repeat does not bring it back
        again = as_seller("POST", "/api/v1/classifications", headers=KEY, **photo())
        assert (again.status_code, again.json["code"]) == (409, "photo_deleted")
        assert as_seller("POST", "/api/v1/listings", **listing).json["code"] == "photo_deleted"


def test_a_note_that_is_sent_again_is_written_once(
    as_admin: Api, database: Database, blobs: BlobStore
) -> None:
    add_champion(database, blobs)
    sent = {"json": {"text": "Better with skirts."}, "headers": KEY}
    first, again = (as_admin("POST", "/api/v1/models/1/notes", **sent) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json == first.json
    assert again.headers["Idempotency-Replayed"] == "true"
    assert len(as_admin("GET", "/api/v1/models/1/notes").json["notes"]) == 1
