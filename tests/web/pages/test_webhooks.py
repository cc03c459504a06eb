"""Webhooks on pages, without JavaScript: secrets are shown once, and what receivers answered as text."""

from __future__ import annotations

import re

from flask.testing import FlaskClient
from sqlalchemy import select, update

from shared.clock import utc_now
from shared.database import Database
from shared.jobs import store
from shared.tables import User, WebhookDelivery, WebhookEndpoint
from shared.webhooks.states import DeliveryState
from tests.factories import add_job
from tests.web.pages.forms import post_form

PAGE = "/account/webhooks"
URL = "https://shop.example.org/hooks"
FORM = {"url": URL, "events": ["job.succeeded", "job.cancelled"]}
SECRET = re.compile(r"whsec_[A-Za-z0-9+/]{43}=")


def test_a_webhook_is_added_tested_changed_and_removed(
    signed_in: FlaskClient, database: Database, seller: User
) -> None:
    assert PAGE in signed_in.get("/account").text
    assert "No webhooks yet" in signed_in.get(PAGE).text
    refused = post_form(signed_in, PAGE, {**FORM, "url": "https://127.0.0.1/x"}, PAGE)
    assert refused.status_code == 422
    assert "not a public address" in refused.text
    assert "https://127.0.0.1/x" in refused.text  # nothing has to be typed again
    made = post_form(signed_in, PAGE, FORM, PAGE)
    secret = SECRET.findall(made.text)
    assert len(secret) == 1
    with database.read() as session:
        endpoint = session.scalars(select(WebhookEndpoint)).one()
    page = f"{PAGE}/{endpoint.id}"
    assert SECRET.search(signed_in.get(page).text) is None
    assert URL in signed_in.get(PAGE).text
    newer = SECRET.findall(post_form(signed_in, f"{page}/secret", page=page).text)
    assert newer
    assert newer != secret
    assert post_form(signed_in, f"{page}/test", page=page).status_code == 303
    assert "Not sent yet" in signed_in.get(page).text
    assert post_form(signed_in, page, {"active": "no"}, page).status_code == 303
    assert post_form(signed_in, f"{page}/test", page=page).status_code == 409
    assert post_form(signed_in, page, {"url": URL, "description": "x"}, page).status_code == 422
    assert post_form(signed_in, f"{page}/remove", page=page).status_code == 303
    assert signed_in.get(page).status_code == 404


def test_the_log_shows_what_the_receiver_said_as_text_and_can_be_sent_again(
    signed_in: FlaskClient, database: Database, seller: User
) -> None:
    post_form(signed_in, PAGE, FORM, PAGE)
    job = add_job(database, owner_id=seller.id)
    with database.write() as session:
        store.request_cancel(session, job.id)
        endpoint = session.scalars(select(WebhookEndpoint)).one()
        endpoint.note, endpoint.active = "Nothing has arrived for 3 days.", False
        session.execute(
            update(WebhookDelivery).values(
                state=DeliveryState.FAILED,
                ended_at=utc_now(),
                sent_at=utc_now(),
                attempt=15,
                duration_ms=37,
                status=500,
                error="The receiver answered 500.",
                answer="<script>alert(1)</script>",
            )
        )
    page = f"{PAGE}/{endpoint.id}"
    text = signed_in.get(page).text
    assert "The receiver answered 500, after 37 ms." in text
    assert "&lt;script&gt;alert(1)" in text
    assert "<script>alert" not in text
    assert "Nothing has arrived for 3 days." in text
    assert f"/jobs/{job.id}" in text
    assert "No messages are in this state" in signed_in.get(f"{page}?state=delivered").text
    assert signed_in.get(f"{page}?state=odd").status_code == 404
    assert post_form(signed_in, f"{page}/replay", {"hours": "1"}, page).status_code == 303
    assert "1 message is sent again" in signed_in.get(page).text
