"""Signing in: links are used up by a click, never by a preview."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update

from shared import accounts
from shared.clock import utc_now
from shared.database import Database
from shared.tables import SignInLink, User
from tests.factories import add_user
from tests.web.pages.forms import post_form
from web.pages.returning import local_path
from web.pages.sign_in import token_of

HTML = {"Accept": "text/html"}


@pytest.fixture
def link(database: Database, seller: User) -> str:
    """The path of a fresh sign-in link."""
    with database.write() as session:
        return f"/sign-in/{accounts.create_sign_in_link(session, seller.id)}"


def test_strangers_are_led_to_the_sign_in_page(client: FlaskClient) -> None:
    assert client.get("/").location == "/sign-in"
    assert client.get("/jobs").location == "/sign-in?next=/jobs"
    assert "hangtag sign-in-link" in client.get("/sign-in").text


def test_looking_at_a_link_does_not_use_it_up(client: FlaskClient, link: str) -> None:
    client.get(link)
    client.get(link)
    assert post_form(client, link, page=link).location == "/sell"
    assert "Sam" in client.get("/sell").text


def test_a_used_link_says_what_to_do_and_offers_no_button(client: FlaskClient, link: str) -> None:
    post_form(client, link, page=link)
    assert "You are signed in in this browser, as Sam." in client.get(link, headers=HTML).text
    post_form(client, "/sign-out")
    for again in (client.get(link, headers=HTML), post_form(client, link, page="/sign-in")):
        assert again.status_code == 404
        assert "This sign-in link was used before, or is older than a day." in again.text
        assert "<code>hangtag sign-in-link NAME</code>" in again.text
        assert "<button" not in again.text


def test_an_expired_link_and_one_that_never_was_say_so_before_they_are_tried(
    client: FlaskClient, database: Database, link: str
) -> None:
    with database.write() as session:
        session.execute(update(SignInLink).values(expires_at=utc_now() - timedelta(seconds=1)))
    for path in (link, "/sign-in/never-made"):
        answer = client.get(path, headers=HTML)
        assert answer.status_code == 404
        assert "does not work" in answer.text
        assert "<button" not in answer.text


def test_a_link_of_somebody_disabled_signs_nobody_in(
    client: FlaskClient, database: Database, link: str, seller: User
) -> None:
    with database.write() as session:
        accounts.disable(session, seller.id, by="Ada")
    assert client.get(link, headers=HTML).status_code == 404


@pytest.mark.parametrize(
    ("role", "begins"), [("seller", "/sell"), ("reviewer", "/review"), ("admin", "/home")]
)
def test_everybody_begins_with_their_work_unless_they_asked_for_a_page(
    client: FlaskClient, database: Database, role: str, begins: str
) -> None:
    person = add_user(database, "Kim", role)
    for query, leads in (("", begins), ("?next=/account", "/account")):
        with database.write() as session:
            link = f"/sign-in/{accounts.create_sign_in_link(session, person.id)}"
        assert post_form(client, f"{link}{query}", page=link).location == leads
    assert client.get("/").location == begins


def test_a_pasted_link_leads_to_its_button(client: FlaskClient, link: str) -> None:
    answer = post_form(client, "/sign-in/link", {"link": f" http://localhost:8000{link} "}, page="/sign-in")
    assert answer.location == link


def test_a_pasted_anything_is_explained(client: FlaskClient) -> None:
    answer = post_form(client, "/sign-in/link", {"link": "let me in"}, page="/sign-in")
    assert answer.status_code == 422
    assert "That is not a sign-in link." in answer.text


def test_signing_in_leads_back_to_where_one_came_from(client: FlaskClient, link: str) -> None:
    assert post_form(client, f"{link}?next=/jobs", page=link).location == "/jobs"


def test_signing_in_needs_a_token(client: FlaskClient, link: str) -> None:
    assert client.post(link, headers=HTML).status_code == 403


def test_signing_out_ends_the_session(signed_in: FlaskClient) -> None:
    assert post_form(signed_in, "/sign-out").location == "/sign-in"
    assert signed_in.get("/sell").location.startswith("/sign-in")


@pytest.mark.parametrize(
    "path", ["https://a.example", "//a.example", "/\\a.example", "/\t/a.example", "/\n/a.example", "", "jobs"]
)
def test_only_paths_of_this_server_are_followed(path: str) -> None:
    assert local_path(path) is None


@pytest.mark.parametrize(
    ("pasted", "token"),
    [("abc_-9", "abc_-9"), ("http://x/sign-in/abc", "abc"), ("http://x/sign-in/abc?next=/", "abc"), ("", "")],
)
def test_a_token_is_found_in_what_was_pasted(pasted: str, token: str) -> None:
    assert token_of(pasted) == token
