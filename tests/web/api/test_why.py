"""Why a photo was answered so: through the API and on the pages of whoever it belongs to."""

from __future__ import annotations

import io

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from shared.blobs import BlobStore
from shared.database import Database
from shared.tables import Job, ModelVersion, Photo, Prediction, User
from tests.factories import add_answered_job, add_champion, add_job, add_listing, add_photo, picture
from tests.web.conftest import Api

VEIL = '<svg class="veil" viewBox="0 0 3 3"'
WORDS = "What speaks for Hat is mostly in the upper middle."


@pytest.fixture
def champion(database: Database, blobs: BlobStore) -> ModelVersion:
    return add_champion(database, blobs)


@pytest.fixture
def photo(database: Database, blobs: BlobStore, seller: User) -> Photo:
    return add_photo(database, blobs, seller)


@pytest.fixture
def job(database: Database, photo: Photo, champion: ModelVersion) -> Job:
    return add_answered_job(database, photo, champion, hat=0.9, shirt=0.1)


def test_a_map_tells_what_each_place_of_the_photo_gave(as_seller: Api, job: Job) -> None:
    answer = as_seller("GET", f"/api/v1/jobs/{job.id}/why")
    assert answer.json == {
        "job_id": job.id,
        "photo_id": job.photo_id,
        "category": "hat",
        "model_version": 1,
        "where": "mostly in the upper middle",
        "map": {"width": 3, "height": 3, "values": [[0, 255, 0], [0, 51, 0], [0, 0, 0]]},
    }
    again = as_seller("GET", f"/api/v1/jobs/{job.id}/why", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


def test_a_photo_that_was_sent_again_has_the_map_of_its_first_answer(as_seller: Api, job: Job) -> None:
    data = {"photo": (io.BytesIO(picture(0)), "again.jpg")}
    sent = as_seller("POST", "/api/v1/classifications", data=data, content_type="multipart/form-data")
    again = sent.json["job"]
    assert (again["state"], again["id"] != job.id) == ("succeeded", True)
    first, second = (as_seller("GET", f"/api/v1/jobs/{one}/why").json for one in (job.id, again["id"]))
    assert first["map"] == second["map"]


def test_what_has_no_map_says_so(as_seller: Api, database: Database, seller: User, job: Job) -> None:
    waiting = add_job(database, owner_id=seller.id, photo_id=job.photo_id)
    with database.write() as session:
        session.execute(update(Prediction).values(activation_map=None))  # as before maps were kept
    for one in (waiting, job):
        answer = as_seller("GET", f"/api/v1/jobs/{one.id}/why")
        assert (answer.status_code, answer.json["code"]) == (404, "not_found")
        assert "Nothing is kept about why" in answer.json["detail"]


def test_a_deleted_photo_takes_its_map_along(as_seller: Api, database: Database, job: Job) -> None:
    assert as_seller("DELETE", f"/api/v1/photos/{job.photo_id}").status_code == 204
    assert as_seller("GET", f"/api/v1/jobs/{job.id}/why").status_code == 404
    with database.read() as session:
        assert session.scalars(select(Prediction)).all() == []


def test_the_pages_of_a_job_and_of_a_listing_show_it_and_say_it(
    signed_in: FlaskClient, database: Database, seller: User, photo: Photo, job: Job
) -> None:
    listing = add_listing(database, seller, photo)
    for path in (f"/jobs/{job.id}", f"/listings/{listing.id}"):
        page = signed_in.get(path).text
        assert '<details id="why" class="why">' in page
        assert VEIL in page
        assert WORDS in page


def test_without_a_map_the_question_is_not_offered(
    signed_in: FlaskClient, database: Database, seller: User, photo: Photo
) -> None:
    waiting = add_job(database, owner_id=seller.id, photo_id=photo.id)
    for path in (f"/jobs/{waiting.id}", "/sell"):
        assert '<details id="why" class="why" hidden>' in signed_in.get(path).text
