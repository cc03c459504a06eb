"""Webhooks through the API: secrets shown once, a log page by page, messages sent again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import select, update

from shared import audit
from shared.clock import rfc3339, utc_now
from shared.database import Database
from shared.jobs import store
from shared.jobs.states import JobKind
from shared.tables import User, WebhookDelivery
from shared.webhooks.states import DeliveryState
from tests.factories import add_job
from tests.web.conftest import Api

URL = "https://shop.example.org/hooks"


def add(api: Api, url: str = URL) -> dict[str, Any]:
    """A new webhook and its secret."""
    body = {"url": url, "events": ["job.succeeded", "job.cancelled"], "description": "Shop"}
    response = api("POST", "/api/v1/webhooks", json=body)
    assert response.status_code == 201, response.text
    return dict(response.get_json())


def test_a_webhook_is_added_looked_at_changed_and_removed(
    as_seller: Api, as_admin: Api, database: Database, seller: User
) -> None:
    made = add(as_seller)
    webhook = made["webhook"]
    path = f"/api/v1/webhooks/{webhook['id']}"
    assert str(made["secret"]).startswith("whsec_")
    assert (
        as_seller("POST", "/api/v1/webhooks", json={"url": URL, "events": ["job.failed"]}).status_code == 409
    )
    assert as_seller("GET", path).json == webhook
    assert as_seller("GET", "/api/v1/webhooks").json["webhooks"] == [webhook]
    assert as_admin("GET", "/api/v1/webhooks").json["webhooks"] == [webhook]
    for api in (as_seller, as_admin):
        assert str(made["secret"]) not in api("GET", path).text
    changed = as_seller("PATCH", path, json={"active": False, "events": ["job.failed"]}).json
    assert changed == {**webhook, "active": False, "events": ["job.failed"]}
    assert as_seller("POST", f"{path}/test").status_code == 409
    assert as_seller("PATCH", path, json={"url": "https://10.0.0.1/"}).json["code"] == "validation_error"
    rotated = as_seller("POST", f"{path}/secret").json
    assert rotated["secret"] != made["secret"]
    assert rotated["webhook"]["previous_secret_until"] is not None
    assert as_seller("DELETE", path).status_code == 204
    assert as_seller("GET", path).status_code == 404
    with database.read() as session:
        acts = [(event.action, event.actor) for event in audit.page(session).items[:4]]
    assert acts == [(f"webhook_{act}", seller.name) for act in ("removed", "secret_made", "changed", "added")]


def test_the_log_is_read_page_by_page_and_failed_messages_are_sent_again(
    as_seller: Api, database: Database, seller: User
) -> None:
    path = f"/api/v1/webhooks/{add(as_seller)['webhook']['id']}"
    jobs = [add_job(database, JobKind.CLASSIFY, owner_id=seller.id) for _ in range(3)]
    for job in jobs:
        with database.write() as session:
            store.request_cancel(session, job.id)
    first = as_seller("GET", f"{path}/deliveries?limit=2")
    second = as_seller("GET", first.headers["Link"].partition(">")[0].lstrip("<"))
    found = first.json["deliveries"] + second.json["deliveries"]
    assert [(one["job_id"], one["event"], one["state"]) for one in found] == [
        (job.id, "job.cancelled", "waiting") for job in reversed(jobs)
    ]
    assert second.json["next_cursor"] is None
    old = utc_now() - timedelta(days=2)
    with database.write() as session:
        values = {"state": DeliveryState.FAILED, "ended_at": old, "attempt": 15}
        session.execute(update(WebhookDelivery).values(**values))
        session.execute(
            update(WebhookDelivery).where(WebhookDelivery.id == found[0]["id"]).values(created_at=old)
        )
    assert len(as_seller("GET", f"{path}/deliveries?state=failed").json["deliveries"]) == 3
    again = as_seller("POST", f"{path}/deliveries/{found[2]['id']}/replay")
    assert (again.status_code, again.json["delivery"]["state"]) == (202, "waiting")
    since = rfc3339(utc_now() - timedelta(days=1))
    assert as_seller("POST", f"{path}/replay", json={"since": since}).json == {"count": 1}
    assert as_seller("POST", f"{path}/replay", json={}).json == {"count": 1}
    for moment in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"):
        assert as_seller("POST", f"{path}/replay", json={"since": moment}).status_code == 422
    with database.write() as session:
        rows = session.scalars(select(WebhookDelivery)).all()
        assert {(row.state, row.attempt, row.max_attempts) for row in rows} == {
            (DeliveryState.WAITING, 15, 30)
        }
        rows[0].state = DeliveryState.SENDING
    assert as_seller("POST", f"{path}/deliveries/{rows[0].id}/replay").status_code == 409
    other = f"/api/v1/webhooks/{add(as_seller, 'https://example.org/other')['webhook']['id']}"
    assert as_seller("POST", f"{other}/deliveries/{rows[1].id}/replay").status_code == 404


def test_one_test_message_waits_at_a_time(as_seller: Api) -> None:
    path = f"/api/v1/webhooks/{add(as_seller)['webhook']['id']}"
    answers = [as_seller("POST", f"{path}/test") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].json["delivery"]["id"] == answers[1].json["delivery"]["id"]
    assert answers[0].json["delivery"]["event"] == "test"
