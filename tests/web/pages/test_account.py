"""One's own account: a password, other browsers, keys."""

from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import update

from shared import accounts
from shared.accounts import passwords, throttle
from shared.clock import utc_now
from shared.database import Database
from shared.tables import User, WebSession
from tests.web.conftest import Api
from tests.web.pages.forms import post_form

OLD = "six unrelated words do well"
NEW = "seven other words are fine too"


@pytest.fixture
def sam(database: Database, seller: User) -> User:
    """The seller, with a password."""
    hashed = passwords.hash_password(OLD)
    with database.write() as session:
        user = accounts.user_by_id(session, seller.id)
        passwords.set_password(session, user, hashed, by=user.name)
    return user


def enter(app: APIFlask, password: str, name: str = "Sam") -> tuple[FlaskClient, int]:
    """A browser that signs in with a password, and the status it got."""
    client = app.test_client()
    form = {"name": name, "password": password}
    return client, post_form(client, "/sign-in", form, page="/sign-in").status_code


def change(client: FlaskClient, current: str, new: str, again: str | None = None) -> int:
    form = {"current_password": current, "new_password": new, "again": new if again is None else again}
    return post_form(client, "/account/password", form, page="/account").status_code


def test_a_password_signs_in_and_leads_back(app: APIFlask, sam: User) -> None:
    client = app.test_client()
    form = {"name": "Sam", "password": OLD}
    assert post_form(client, "/sign-in?next=/jobs", form, page="/sign-in").location == "/jobs"
    assert client.get("/account").status_code == 200


@pytest.mark.parametrize(
    "goal",
    ["https://evil.example", "//evil.example", "/\\evil.example", "/\t/evil.example", "javascript:x"],
)
def test_signing_in_leads_nowhere_else(app: APIFlask, sam: User, goal: str) -> None:
    client = app.test_client()
    form = {"name": "Sam", "password": OLD}
    answer = client.get("/sign-in", query_string={"next": goal})
    assert "evil" not in answer.text
    path = f"/sign-in?{urlencode({'next': goal})}"
    assert post_form(client, path, form, page="/sign-in").location == "/sell"


def test_a_wrong_password_and_an_unknown_name_answer_alike(app: APIFlask, sam: User) -> None:
    pages = []
    for name in ("Sam", "Xyz"):
        client = app.test_client()
        answer = post_form(client, "/sign-in", {"name": name, "password": "wrong"}, page="/sign-in")
        assert answer.status_code == 422
        pages.append(re.sub(r'value="[^"]*"', "", answer.text))
    assert pages[0] == pages[1]


def test_too_many_attempts_say_when_to_come_back(app: APIFlask, sam: User) -> None:
    statuses = [enter(app, "wrong")[1] for _ in range(throttle.PER_NAME)]
    assert set(statuses) == {422}
    client = app.test_client()
    refusal = post_form(client, "/sign-in", {"name": "Sam", "password": OLD}, page="/sign-in")
    assert refusal.status_code == 429
    assert int(refusal.headers["Retry-After"]) > 0
    assert "Please wait" in refusal.text


def test_signing_in_gives_the_browser_another_session(app: APIFlask, sam: User) -> None:
    client, _ = enter(app, OLD)
    with client.session_transaction() as cookie:
        before = cookie["token"]
    post_form(client, "/sign-out")
    post_form(client, "/sign-in", {"name": "Sam", "password": OLD}, page="/sign-in")
    with client.session_transaction() as cookie:
        assert cookie["token"] != before


def test_a_new_password_signs_every_other_browser_out(app: APIFlask, sam: User) -> None:
    here, _ = enter(app, OLD)
    elsewhere, _ = enter(app, OLD)
    with here.session_transaction() as cookie:
        before = cookie["token"]
    assert change(here, OLD, NEW) == 303
    assert here.get("/account").status_code == 200
    assert elsewhere.get("/account").status_code == 302
    with here.session_transaction() as cookie:
        assert cookie["token"] != before, "the session itself is another one"
    assert enter(app, OLD)[1] == 422
    assert enter(app, NEW)[1] == 302


def test_a_change_asks_for_the_present_password(app: APIFlask, sam: User) -> None:
    client, _ = enter(app, OLD)
    assert change(client, "wrong", NEW) == 422
    assert change(client, "", NEW) == 422
    assert enter(app, OLD)[1] == 302


def test_somebody_who_came_by_link_resets_a_forgotten_password(
    app: APIFlask, database: Database, sam: User
) -> None:
    with database.write() as session:
        link = f"/sign-in/{accounts.create_sign_in_link(session, sam.id)}"
    client = app.test_client()
    post_form(client, link, page=link)
    assert "Present password" not in client.get("/account").text
    assert change(client, "", NEW) == 303
    assert "Present password" in client.get("/account").text
    assert enter(app, NEW)[1] == 302


@pytest.mark.parametrize(("new", "again"), [("short", "short"), (NEW, OLD), ("samsam123456", "samsam123456")])
def test_a_password_that_will_not_do_is_explained(signed_in: FlaskClient, new: str, again: str) -> None:
    assert change(signed_in, "", new, again) == 422


def test_one_of_ones_browsers_can_be_signed_out(app: APIFlask, sam: User) -> None:
    here, _ = enter(app, OLD)
    elsewhere, _ = enter(app, OLD)
    handles = re.findall(r"/account/sessions/(\w+)/end", here.get("/account").text)
    assert len(handles) == 1
    assert post_form(here, f"/account/sessions/{handles[0]}/end", page="/account").status_code == 303
    assert elsewhere.get("/account").status_code == 302
    assert here.get("/account").status_code == 200


def test_signing_out_everywhere_ends_this_browser_too(app: APIFlask, sam: User) -> None:
    here, _ = enter(app, OLD)
    elsewhere, _ = enter(app, OLD)
    assert post_form(here, "/account/sign-out-everywhere", page="/account").location == "/sign-in"
    assert here.get("/account").status_code == elsewhere.get("/account").status_code == 302


def test_a_key_is_shown_once_works_and_dies(app: APIFlask, signed_in: FlaskClient) -> None:
    form = {"name": "shop", "scopes": ["classify", "read"], "days": "90"}
    shown = post_form(signed_in, "/account/keys", form, page="/account").text
    (key,) = re.findall(r'value="(htk_[\w-]{40,})"', shown)
    api = Api(app.test_client(), key)
    assert api("GET", "/api/v1/jobs").status_code == 200
    page = signed_in.get("/account").text
    assert key not in page
    (revoke,) = re.findall(r'action="(/account/keys/[\w-]+/revoke)"', page)
    post_form(signed_in, revoke, page="/account")
    assert api("GET", "/api/v1/jobs").status_code == 401


def test_a_seller_is_offered_no_more_than_the_role_and_gets_no_more(signed_in: FlaskClient) -> None:
    assert 'value="admin"' not in signed_in.get("/account").text
    for scopes in (["admin"], []):
        form = {"name": "shop", "scopes": scopes, "days": "90"}
        assert post_form(signed_in, "/account/keys", form, page="/account").status_code == 422


def test_an_idle_session_ends(database: Database, signed_in: FlaskClient) -> None:
    with database.write() as session:
        long_ago = utc_now() - timedelta(hours=25)
        session.execute(update(WebSession).values(last_seen_at=long_ago))
    assert signed_in.get("/account").status_code == 302


def test_a_session_that_is_used_stays(database: Database, signed_in: FlaskClient) -> None:
    for _ in range(3):
        with database.write() as session:
            session.execute(update(WebSession).values(last_seen_at=utc_now() - timedelta(hours=23)))
        assert signed_in.get("/account").status_code == 200
    with database.write() as session:
        session.execute(update(WebSession).values(expires_at=utc_now()))
    assert signed_in.get("/account").status_code == 302, "but not for ever"
