"""Signing in: links are used up by a click, never by a preview."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from shared import accounts
from shared.database import Database
from shared.tables import User
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


def test_a_used_link_says_what_to_do(client: FlaskClient, link: str) -> None:
    post_form(client, link, page=link)
    post_form(client, "/sign-out")
    again = post_form(client, link, page=link)
    assert again.status_code == 404
    assert "Please ask for a new one." in again.text


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
