"""What the sender asks all the time is answered from an index, however long the log is."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import insert, text
from sqlalchemy.orm import Session

from shared.clock import utc_now
from shared.database import Database
from shared.settings import Settings
from shared.tables import WebhookDelivery, new_id
from shared.webhooks import deliveries, endpoints, pruning
from shared.webhooks.states import DeliveryState
from tests.factories import add_user
from tests.shared.jobs.test_plans import plans, reads_everything

DELIVERED, WAITING, ENDPOINTS = 6_000, 40, 20
WORK: dict[str, Callable[[Session], object]] = {
    "anything due": deliveries.anything_due,
    "claim": lambda session: deliveries.claim(session, 16),
    "under way": deliveries.under_way,
    "log": lambda session: deliveries.page(session, endpoints.page(session, None).items[0].id),
    "prune": lambda session: pruning._prune(session, utc_now() - timedelta(days=90)),
}


def test_no_query_of_the_sender_reads_the_log_from_end_to_end(database: Database, settings: Settings) -> None:
    owner, now = add_user(database), utc_now()
    unlimited = dataclasses.replace(settings, quota_webhooks=0)
    with database.write() as session:
        made = [
            endpoints.add(session, unlimited, owner.id, f"https://a.example/{n}", ["job.failed"])
            for n in range(ENDPOINTS)
        ]
        ends = {"event": "job.failed", "attempt": 1, "next_at": now, "created_at": now}
        rows = [
            {
                "id": new_id(),
                "endpoint_id": made[n % ENDPOINTS][0].id,
                "state": state,
                "ended_at": ended,
                **ends,
            }
            for state, ended, count in (
                (DeliveryState.DELIVERED, now, DELIVERED),
                (DeliveryState.WAITING, None, WAITING),
            )
            for n in range(count)
        ]
        session.execute(insert(WebhookDelivery), rows)
    with database.engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("ANALYZE"))
    for name, work in WORK.items():
        found = plans(database, work)
        assert found, name
        for statement, plan in found:
            assert not reads_everything(plan), f"{name}\n{statement}\n{plan}"
