"""Keys, sessions, scopes, and whose rows are whose."""

from __future__ import annotations

import io

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient

from shared import accounts
from shared.database import Database
from shared.tables import User
from tests.factories import add_key, add_user, picture
from tests.web.conftest import Api


def photo() -> dict[str, object]:
    return {"data": {"photo": (io.BytesIO(picture(1)), "a.jpg")}, "content_type": "multipart/form-data"}


PRIVATE = ["/api/v1/jobs", "/api/v1/models", "/api/v1/datasets", "/api/v1/aliases/champion/history"]


@pytest.mark.parametrize("path", PRIVATE)
def test_without_a_key_there_is_nothing_to_see(client: FlaskClient, path: str) -> None:
    response = client.get(path)
    assert (response.status_code, response.json["code"]) == (401, "unauthenticated")
    assert response.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("header", ["Bearer wrong", "Bearer", "Basic abc", ""])
def test_a_wrong_key_is_refused_even_beside_a_good_cookie(signed_in: FlaskClient, header: str) -> None:
    assert signed_in.get("/api/v1/jobs").status_code == 200
    assert signed_in.get("/api/v1/jobs", headers={"Authorization": header}).status_code == 401


def test_a_key_can_do_what_its_scopes_say_and_no_more(app: APIFlask, database: Database, admin: User) -> None:
    api = Api(app.test_client(), add_key(database, admin, "read"))
    assert api("GET", "/api/v1/jobs").status_code == 200
    response = api("POST", "/api/v1/classifications", **photo())
    assert (response.status_code, response.json["code"]) == (403, "insufficient_scope")
    assert response.json["detail"].startswith("This key lacks the scope classify.")


def test_unknown_addresses_and_methods_are_refused_in_plain_words(as_seller: Api) -> None:
    unknown = as_seller("GET", "/api/v1/nothing")
    assert unknown.status_code == 404
    assert unknown.json["detail"].startswith("There is nothing under this address.")
    wrong = as_seller("DELETE", "/api/v1/jobs")
    assert wrong.status_code == 405
    assert wrong.json["detail"].startswith("This address does not take DELETE. It takes GET")
    assert "GET" in wrong.headers["Allow"]


def test_a_key_never_exceeds_its_owners_role_whatever_that_was_before(
    app: APIFlask, database: Database, admin: User
) -> None:
    add_user(database, "Kim", "admin")
    api = Api(app.test_client(), add_key(database, admin, "classify", "read", "train", "admin"))
    assert api("GET", "/api/v1/jobs/failures").status_code == 200
    with database.write() as session:
        accounts.set_role(session, admin.id, "seller", by="Kim")
    assert api("GET", "/api/v1/jobs").status_code == 200
    assert api("POST", "/api/v1/trainings", json={}).status_code == 403
    body = {"version": 1, "reason": "x"}
    assert api("PUT", "/api/v1/aliases/champion", json=body).status_code == 403


def test_a_cookie_write_without_a_token_is_refused(signed_in: FlaskClient, app: APIFlask) -> None:
    response = signed_in.post("/api/v1/classifications", **photo())
    assert (response.status_code, response.json["code"]) == (403, "csrf_failed")


def test_somebody_elses_job_and_photo_answer_like_unknown_ones(
    app: APIFlask, database: Database, as_seller: Api
) -> None:
    other = Api(app.test_client(), add_key(database, add_user(database, "Eve"), "classify", "read"))
    mine = as_seller("POST", "/api/v1/classifications", **photo()).json
    unknown = "01a00000-0000-7000-8000-000000000000"
    for path, method in [
        ("/api/v1/jobs/{}", "GET"),
        ("/api/v1/jobs/{}/cancel", "POST"),
        ("/api/v1/jobs/{}/retry", "POST"),
    ]:
        theirs = other(method, path.format(mine["job"]["id"]))
        nobodys = other(method, path.format(unknown))
        assert theirs.status_code == nobodys.status_code == 404
        assert theirs.json["detail"] == nobodys.json["detail"]
    assert other("GET", mine["photo"]["url"]).status_code == 404
    assert other("GET", mine["photo"]["thumbnail_url"]).status_code == 404
    assert other("GET", "/api/v1/jobs").json["jobs"] == []


def test_an_administrator_sees_everybodys_jobs(as_seller: Api, as_admin: Api) -> None:
    job_id = as_seller("POST", "/api/v1/classifications", **photo()).json["job"]["id"]
    assert as_admin("GET", f"/api/v1/jobs/{job_id}").status_code == 200
