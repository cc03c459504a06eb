"""Looking at jobs, cancelling and retrying them."""

from __future__ import annotations

import io

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient

from shared.database import Database
from shared.jobs import store
from shared.jobs.states import JobKind
from shared.tables import User
from tests.factories import add_failures, add_job, add_key, picture
from tests.web.conftest import Api
from tests.web.pages.forms import post_form


def test_polling_costs_nothing_while_nothing_changes(
    as_seller: Api, database: Database, seller: User
) -> None:
    job = add_job(database, owner_id=seller.id)
    first = as_seller("GET", f"/api/v1/jobs/{job.id}")
    second = as_seller("GET", f"/api/v1/jobs/{job.id}", headers={"If-None-Match": first.headers["ETag"]})
    assert (second.status_code, second.data) == (304, b"")
    as_seller("POST", f"/api/v1/jobs/{job.id}/cancel")
    third = as_seller("GET", f"/api/v1/jobs/{job.id}", headers={"If-None-Match": first.headers["ETag"]})
    assert (third.status_code, third.json["state"]) == (200, "cancelled")


def test_the_link_header_leads_through_all_pages(as_seller: Api, database: Database, seller: User) -> None:
    ids = [add_job(database, owner_id=seller.id).id for _ in range(5)]
    path, seen = "/api/v1/jobs?limit=2&kind=classify", []
    while path:
        response = as_seller("GET", path)
        seen += [job["id"] for job in response.json["jobs"]]
        link = response.headers.get("Link", "")
        path = link[1 : link.index(">")] if link else ""
    assert seen == ids[::-1]


@pytest.mark.parametrize("query", ["limit=0", "limit=1000000000", "state=dead", "wrong=1", "limit=x"])
def test_a_wrong_filter_names_the_field(as_seller: Api, query: str) -> None:
    response = as_seller("GET", f"/api/v1/jobs?{query}")
    assert (response.status_code, response.json["code"]) == (422, "validation_error")
    assert response.json["errors"][0]["field"] == query.partition("=")[0]


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("limit=x", "This must be a whole number."),
        ("limit=0", "This must be 1 or more."),
        ("limit=1000", "This must be 200 or less."),
        ("decision=nonsense", "This must be 'suggest' or 'ask'."),
        ("wrong=1", "There is nothing of this name here. Check its spelling."),
        (f"category={'x' * 81}", "This may have at most 80 characters."),
        ("ended_from=soon", "This must be a moment with its zone, such as 2026-05-01T12:00:00Z."),
        ("ended_from=0001-01-01T00:00:00Z", "The year has to lie between 1970 and 9998."),
        ("cursor=x", "This cannot be used. The reference at /api/docs says what it may be."),
    ],
)
def test_a_wrong_filter_is_explained_in_a_sentence_of_ours(as_seller: Api, query: str, sentence: str) -> None:
    errors = as_seller("GET", f"/api/v1/jobs?{query}").json["errors"]
    assert [error["message"] for error in errors] == [sentence]


def test_a_missing_field_is_explained_in_a_sentence_of_ours(as_admin: Api) -> None:
    errors = as_admin("POST", "/api/v1/aliases/champion/rollback", json={}).json["errors"]
    assert errors == [{"field": "reason", "message": "This is missing. Send it, too."}]


def test_a_cursor_with_a_nul_character_is_refused(as_seller: Api) -> None:
    response = as_seller("GET", "/api/v1/jobs?cursor=%00")
    assert (response.status_code, response.json["code"]) == (422, "validation_error")


def test_what_has_ended_cannot_be_cancelled(as_seller: Api, database: Database, seller: User) -> None:
    job = add_job(database, owner_id=seller.id)
    assert as_seller("POST", f"/api/v1/jobs/{job.id}/cancel").status_code == 202
    again = as_seller("POST", f"/api/v1/jobs/{job.id}/cancel")
    assert (again.status_code, again.json["code"]) == (409, "already_finished")


def test_a_retry_answers_with_the_new_job(as_seller: Api, database: Database, seller: User) -> None:
    job = add_job(database, owner_id=seller.id)
    as_seller("POST", f"/api/v1/jobs/{job.id}/cancel")
    response = as_seller("POST", f"/api/v1/jobs/{job.id}/retry")
    assert response.status_code == 202
    assert response.headers["Location"] == f"/api/v1/jobs/{response.json['job']['id']}"
    assert response.json["job"]["id"] != job.id


def test_a_list_names_the_photos(as_seller: Api) -> None:
    photo = {"photo": (io.BytesIO(picture(1)), "below/shirt.jpg")}
    sent = as_seller("POST", "/api/v1/classifications", data=photo).json
    (job,) = as_seller("GET", "/api/v1/jobs").json["jobs"]
    assert (job["id"], job["photo_name"]) == (sent["job"]["id"], "shirt.jpg")
    assert set(job) - {"photo_name"} == set(sent["job"])


def test_a_sellers_list_leaves_out_what_is_not_theirs(as_seller: Api, database: Database) -> None:
    add_job(database, JobKind.TRAIN)
    assert as_seller("GET", "/api/v1/jobs").json["jobs"] == []


@pytest.mark.parametrize("act", ["cancel", "retry"])
def test_a_key_that_may_only_send_photos_stops_and_repeats_no_training(
    app: APIFlask, as_admin: Api, database: Database, admin: User, act: str
) -> None:
    job = add_job(database, JobKind.TRAIN, owner_id=admin.id)
    if act == "retry":
        as_admin("POST", f"/api/v1/jobs/{job.id}/cancel")
    weak = Api(app.test_client(), add_key(database, admin, "classify"))
    refused = weak("POST", f"/api/v1/jobs/{job.id}/{act}")
    assert (refused.status_code, refused.json["code"]) == (403, "insufficient_scope")
    allowed = Api(app.test_client(), add_key(database, admin, "classify", "train"))
    assert allowed("POST", f"/api/v1/jobs/{job.id}/{act}").status_code == 202


def test_who_is_no_administrator_any_more_starts_no_training_again(
    signed_in: FlaskClient, database: Database, seller: User
) -> None:
    (job,) = add_failures(database, kind=JobKind.TRAIN, owner_id=seller.id)
    assert post_form(signed_in, f"/jobs/{job.id}/retry", {}, page="/account").status_code == 403
    with database.read() as session:
        assert store.find(session, job.id).retried_as is None
