"""People, keys and the audit log as administrators see them."""

from __future__ import annotations

import json
import re

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient

from shared import audit
from shared.database import Database
from shared.tables import User
from tests.factories import add_key
from tests.web.conftest import Api, sign_in
from tests.web.pages.forms import post_form
from web.services import EXTENSION


def test_somebody_is_added_and_gets_a_link(app: APIFlask, admin_signed_in: FlaskClient) -> None:
    added = post_form(admin_signed_in, "/people", {"name": "Kim", "role": "reviewer"}, page="/people")
    assert "Kim" in admin_signed_in.get("/people").text
    shown = post_form(admin_signed_in, f"{added.location}/link", page=added.location).text
    (link,) = re.findall(r'value="http://localhost(/sign-in/[\w-]+)"', shown)
    assert link not in admin_signed_in.get(added.location).text, "it is shown once"
    kim = app.test_client()
    post_form(kim, link, page=link)
    page = kim.get("/versions").text
    assert "Kim" in page
    (notice,) = re.findall(
        r'<div class="(notice[^"]*)"[^>]*>(?:(?!</div>).)*You have no password yet', page, re.DOTALL
    )
    assert notice.split() == ["notice"], "nothing was done that could have worked"
    assert 'You have no password yet. <a href="/account">Set one</a>' in page


@pytest.mark.parametrize("form", [{"name": "", "role": "seller"}, {"name": "Kim", "role": "king"}])
def test_what_cannot_be_added_is_explained(admin_signed_in: FlaskClient, form: dict[str, str]) -> None:
    answer = post_form(admin_signed_in, "/people", form, page="/people")
    assert answer.status_code == 422
    assert "field-error" in answer.text


def test_another_role_and_disabling_take_effect_at_once(
    app: APIFlask, database: Database, admin_signed_in: FlaskClient, seller: User
) -> None:
    browser = sign_in(app.test_client(), database, seller)
    api = Api(app.test_client(), add_key(database, seller, "read"))
    here = f"/people/{seller.id}"
    post_form(admin_signed_in, f"{here}/role", {"role": "reviewer"}, page=here)
    assert browser.get("/sell").status_code == 302
    assert api("GET", "/api/v1/jobs").status_code == 200
    post_form(admin_signed_in, f"{here}/disable", page=here)
    assert api("GET", "/api/v1/jobs").status_code == 401
    assert "Enable Sam" in admin_signed_in.get(here).text
    post_form(admin_signed_in, f"{here}/enable", page=here)
    assert api("GET", "/api/v1/jobs").status_code == 200


def test_the_last_administrator_is_told_why_they_stay(admin_signed_in: FlaskClient, admin: User) -> None:
    here = f"/people/{admin.id}"
    for deed, form in (("disable", {}), ("role", {"role": "seller"})):
        answer = post_form(admin_signed_in, f"{here}/{deed}", form, page=here)
        assert answer.status_code == 409
        assert "only administrator" in answer.text


def test_everybodys_keys_are_listed_and_revoked(
    app: APIFlask, database: Database, admin_signed_in: FlaskClient, seller: User
) -> None:
    api = Api(app.test_client(), add_key(database, seller, "read"))
    page = admin_signed_in.get("/people/keys").text
    assert "of Sam" in page
    (revoke,) = re.findall(r'action="(/people/keys/[\w-]+/revoke)"', page)
    post_form(admin_signed_in, revoke, page="/people/keys")
    assert api("GET", "/api/v1/jobs").status_code == 401
    assert "Revoked" in admin_signed_in.get("/people/keys").text


def test_the_log_is_shown_filtered_paged_and_exported(
    admin_signed_in: FlaskClient, database: Database, seller: User
) -> None:
    for _ in range(51):
        add_key(database, seller, "read")
    first = admin_signed_in.get("/people/audit?action=key_made").text
    assert first.count("Key made</th>") == 50
    (older,) = re.findall(r'href="(/people/audit\?[^"]*cursor=[^"]*)"', first)
    assert admin_signed_in.get(older.replace("&amp;", "&")).text.count("Key made</th>") == 1
    assert "Nothing matches" in admin_signed_in.get("/people/audit?actor=Nobody").text
    exported = admin_signed_in.get("/people/audit.jsonl")
    events = [json.loads(line) for line in exported.text.splitlines()]
    assert [event["number"] for event in events] == list(range(1, len(events) + 1))
    assert "attachment" in exported.headers["Content-Disposition"]


def test_a_slow_download_of_the_log_keeps_no_connection_to_the_database(
    app: APIFlask,
    admin_signed_in: FlaskClient,
    admin: User,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(audit, "READ_BATCH", 2)
    for _ in range(5):
        add_key(database, admin, "read")
    used = app.extensions[EXTENSION].database.engine.pool
    download = admin_signed_in.get("/people/audit.jsonl").iter_encoded()
    numbers = []
    for line in download:
        numbers.append(json.loads(line)["number"])
        assert used.checkedout() == 0
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) >= 5


def test_a_filter_that_makes_no_sense_is_left_out(admin_signed_in: FlaskClient) -> None:
    assert admin_signed_in.get("/people/audit?action=no_such&cursor=x").status_code == 200
