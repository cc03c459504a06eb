"""Photos in, jobs out."""

from __future__ import annotations

import io
import time
from dataclasses import replace

import pytest

from shared.blobs import BlobStore, photo_key
from shared.clock import utc_now
from shared.database import Database
from shared.jobs import store
from shared.jobs.states import JobKind, JobState
from shared.settings import Settings
from shared.tables import Job
from tests.factories import add_key, add_user, picture
from tests.web.conftest import Api, MakeApp


def upload(data: bytes, name: str = "shirt.jpg", kind: str = "image/jpeg") -> dict[str, object]:
    return {"data": {"photo": (io.BytesIO(data), name, kind)}, "content_type": "multipart/form-data"}


def test_a_photo_is_stored_and_queued_before_the_answer(
    as_seller: Api, database: Database, blobs: BlobStore
) -> None:
    response = as_seller("POST", "/api/v1/classifications", **upload(picture(1)))
    assert response.status_code == 202
    body = response.json
    assert response.headers["Location"] == f"/api/v1/jobs/{body['job']['id']}"
    assert int(response.headers["Retry-After"]) >= 1
    assert (body["job"]["state"], body["job"]["kind"]) == ("queued", "classify")
    assert blobs.get(photo_key(body["photo"]["sha256"]))
    with database.read() as session:
        assert store.find(session, body["job"]["id"]).state is JobState.QUEUED


def test_only_our_own_picture_is_given_out(as_seller: Api) -> None:
    sent = picture(1, kind="PNG") + b"<script>alert(1)</script>"
    photo = as_seller("POST", "/api/v1/classifications", **upload(sent)).json["photo"]
    got = as_seller("GET", photo["url"])
    assert got.content_type == "image/jpeg"
    assert got.headers["X-Content-Type-Options"] == "nosniff"
    assert b"script" not in got.data
    assert as_seller("GET", photo["thumbnail_url"]).data[:2] == b"\xff\xd8"
    again = as_seller("GET", photo["url"], headers={"If-None-Match": got.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_the_same_photo_of_one_seller_is_one_photo_with_two_jobs(as_seller: Api) -> None:
    first = as_seller("POST", "/api/v1/classifications", **upload(picture(1))).json
    second = as_seller("POST", "/api/v1/classifications", **upload(picture(1))).json
    assert first["photo"]["id"] == second["photo"]["id"]
    assert first["job"]["id"] != second["job"]["id"]


def test_a_photo_in_quarantine_that_is_sent_again_runs_only_once_it_is_released(
    as_seller: Api, as_admin: Api, database: Database
) -> None:
    sent = as_seller("POST", "/api/v1/classifications", **upload(picture(1))).json["job"]
    with database.write() as session:
        held = session.get_one(Job, sent["id"])
        held.state, held.finished_at, held.error_code = JobState.QUARANTINED, utc_now(), "worker_crashed"
    again = as_seller("POST", "/api/v1/classifications", **upload(picture(1)))
    assert again.status_code == 202
    told = again.json["job"]
    assert (told["id"], told["state"], told["error"]["code"]) == (sent["id"], "quarantined", "worker_crashed")
    refused = as_seller("POST", f"/api/v1/jobs/{sent['id']}/retry")
    assert (refused.status_code, refused.json["code"]) == (409, "quarantined")
    assert as_admin("POST", f"/api/v1/jobs/{sent['id']}/release").status_code == 202
    later = as_seller("POST", "/api/v1/classifications", **upload(picture(1))).json["job"]
    assert (later["state"], later["id"] != sent["id"]) == ("queued", True)


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (b"", 422, "image_empty"),
        (b"hello", 415, "unsupported_media_type"),
        (picture(1)[:600], 422, "image_corrupt"),
    ],
)
def test_a_bad_photo_is_a_problem_document_and_leaves_no_job(
    as_seller: Api, database: Database, data: bytes, status: int, code: str
) -> None:
    response = as_seller("POST", "/api/v1/classifications", **upload(data))
    assert response.status_code == status
    assert response.content_type == "application/problem+json"
    assert response.json["code"] == code
    assert response.json["request_id"] == response.headers["X-Request-ID"]
    with database.read() as session:
        assert store.page(session).items == []


def test_a_request_without_a_photo_says_which_field_is_missing(as_seller: Api) -> None:
    response = as_seller("POST", "/api/v1/classifications", data={"x": "y"})
    assert (response.status_code, response.json["code"]) == (400, "file_missing")
    assert "photo" in response.json["detail"]


def test_too_many_bytes_are_refused(as_seller: Api) -> None:
    body = b"x" * (26 * 1024 * 1024)
    kind = "multipart/form-data; boundary=b"
    response = as_seller("POST", "/api/v1/classifications", data=body, content_type=kind)
    assert (response.status_code, response.json["code"]) == (413, "payload_too_large")


def test_waiting_ends_at_the_asked_time_when_no_worker_answers(as_seller: Api) -> None:
    started = time.monotonic()
    response = as_seller(
        "POST", "/api/v1/classifications", headers={"Prefer": "wait=1"}, **upload(picture(1))
    )
    assert response.status_code == 202
    assert response.headers["Preference-Applied"] == "wait"
    assert 0.9 < time.monotonic() - started < 10


def test_waiting_returns_the_finished_job(as_seller: Api, database: Database) -> None:
    body = as_seller("POST", "/api/v1/classifications", **upload(picture(1))).json
    job_id = body["job"]["id"]
    with database.write() as session:
        store.claim(session, JobKind.CLASSIFY, "w", 1)
        store.succeed(session, job_id, 1, {"category": "hat"})
    response = as_seller("GET", f"/api/v1/jobs/{job_id}?wait=30")
    assert (response.json["state"], response.json["result"]) == ("succeeded", {"category": "hat"})


def test_a_photo_is_accepted_while_redis_is_away(
    make_app: MakeApp, settings: Settings, database: Database
) -> None:
    app = make_app(replace(settings, redis_url="redis+socket:///nowhere/redis.sock"))
    api = Api(app.test_client(), add_key(database, add_user(database), "classify", "read"))
    response = api("POST", "/api/v1/classifications", **upload(picture(1)))
    assert response.status_code == 202
