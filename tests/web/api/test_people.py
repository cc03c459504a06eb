"""People, keys and the audit log through the API."""

from __future__ import annotations

from apiflask import APIFlask
from flask.testing import FlaskClient

from shared import audit
from shared.database import Database
from shared.tables import User
from tests.factories import add_key, add_user
from tests.web.conftest import Api
from tests.web.pages.forms import csrf_token


def test_somebody_is_added_let_in_and_shut_out(app: APIFlask, as_admin: Api) -> None:
    made = as_admin("POST", "/api/v1/users", json={"name": "Kim", "role": "reviewer"})
    assert made.status_code == 201
    path = made.headers["Location"]
    assert as_admin("GET", path).json == made.json
    link = as_admin("POST", f"{path}/sign-in-links")
    assert (link.status_code, link.headers["Cache-Control"]) == (201, "no-store")
    browser = app.test_client()
    page = link.json["url"].removeprefix("http://localhost")
    browser.post(page, data={"csrf_token": csrf_token(browser, page)})
    assert browser.get("/versions").status_code == 200
    assert as_admin("PATCH", path, json={"disabled": True}).json["disabled"] is True
    assert browser.get("/versions").status_code == 302
    assert as_admin("POST", f"{path}/sign-in-links").status_code == 409


def test_a_name_is_taken_once_and_a_repeated_request_does_nothing(as_admin: Api) -> None:
    again = {"headers": {"Idempotency-Key": "add-kim"}}
    first = as_admin("POST", "/api/v1/users", json={"name": "Kim"}, **again)
    second = as_admin("POST", "/api/v1/users", json={"name": "Kim"}, **again)
    assert (second.status_code, second.json["id"]) == (201, first.json["id"])
    assert as_admin("POST", "/api/v1/users", json={"name": "Kim"}).status_code == 409


def test_the_last_administrator_cannot_leave(as_admin: Api, admin: User) -> None:
    for change in ({"role": "seller"}, {"disabled": True}):
        answer = as_admin("PATCH", f"/api/v1/users/{admin.id}", json=change)
        assert (answer.status_code, answer.json["code"]) == (409, "conflict")


def test_a_role_that_does_not_exist_is_named(as_admin: Api, seller: User) -> None:
    answer = as_admin("PATCH", f"/api/v1/users/{seller.id}", json={"role": "king"})
    assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, "role")


def person(client: FlaskClient) -> dict[str, str]:
    """What a script of our pages sends with a write."""
    return {"X-CSRFToken": csrf_token(client, "/account")}


def test_a_seller_makes_uses_and_revokes_a_key(app: APIFlask, signed_in: FlaskClient) -> None:
    body = {"name": "shop", "scopes": ["read"], "days": 30}
    made = signed_in.post("/api/v1/keys", json=body, headers=person(signed_in))
    assert (made.status_code, made.headers["Cache-Control"]) == (201, "no-store")
    program = Api(app.test_client(), made.json["text"])
    (listed,) = program("GET", "/api/v1/keys").json["keys"]
    assert listed["expires_at"] is not None
    assert made.json["text"] not in str(listed)
    revoked = signed_in.delete(f"/api/v1/keys/{listed['id']}", headers=person(signed_in))
    assert revoked.json["revoked_at"] is not None
    assert program("GET", "/api/v1/keys").status_code == 401


def test_a_key_stays_within_its_owners_role(signed_in: FlaskClient, as_admin: Api, seller: User) -> None:
    beyond = {"name": "shop", "scopes": ["read", "admin"]}
    answer = signed_in.post("/api/v1/keys", json=beyond, headers=person(signed_in))
    assert (answer.status_code, answer.json["code"]) == (422, "validation_error")
    assert as_admin("POST", "/api/v1/keys", json={**beyond, "user_id": seller.id}).status_code == 422


def test_a_key_without_admin_makes_and_revokes_none(as_seller: Api) -> None:
    answer = as_seller("POST", "/api/v1/keys", json={"name": "more", "scopes": ["read"]})
    assert (answer.status_code, answer.json["code"]) == (403, "insufficient_scope")
    (own,) = as_seller("GET", "/api/v1/keys").json["keys"]
    assert as_seller("DELETE", f"/api/v1/keys/{own['id']}").status_code == 403


def test_administrators_see_and_revoke_everybodys_keys(
    app: APIFlask, database: Database, as_admin: Api, as_seller: Api, seller: User
) -> None:
    (theirs,) = as_admin("GET", "/api/v1/keys", query_string={"user_id": seller.id}).json["keys"]
    assert len(as_admin("GET", "/api/v1/keys").json["keys"]) == 2
    assert as_admin("DELETE", f"/api/v1/keys/{theirs['id']}").status_code == 200
    assert as_seller("GET", "/api/v1/jobs").status_code == 401
    other = Api(app.test_client(), add_key(database, add_user(database, "Eve"), "read"))
    assert other("GET", "/api/v1/keys", query_string={"user_id": seller.id}).status_code == 403


def test_audit_events_are_paged_and_can_be_checked_from_outside(as_admin: Api) -> None:
    for number in range(3):
        as_admin("POST", "/api/v1/users", json={"name": f"Person {number}"})
    first = as_admin("GET", "/api/v1/audit-events?action=person_added&actor=Ada&limit=2")
    assert [event["subject"] for event in first.json["events"]] == ["Person 2", "Person 1"]
    next_page = first.headers["Link"].partition(">")[0].removeprefix("<")
    rest = as_admin("GET", next_page).json
    assert [event["subject"] for event in rest["events"]] == ["Person 0"]
    assert rest["next_cursor"] is None


def test_an_event_names_the_request_it_came_from(as_admin: Api, database: Database) -> None:
    made = as_admin("POST", "/api/v1/users", json={"name": "Kim"})
    with database.read() as session:
        event = audit.latest(session, audit.Action.PERSON_ADDED)
    assert event is not None
    assert event.request_id == made.headers["X-Request-ID"]
