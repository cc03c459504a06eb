"""Messages that people ask for: tests, and old ones once more."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from shared.clock import utc_now
from shared.database import Database
from shared.errors import ConflictError, NotFoundError
from shared.tables import WebhookDelivery, WebhookEndpoint
from shared.tables.webhooks import MAX_ATTEMPTS
from shared.webhooks.states import DeliveryState, WebhookEvent

# One transaction's worth: milliseconds, so that an upload on SQLite hardly waits.
BATCH = 1000


def test(session: Session, endpoint: WebhookEndpoint) -> WebhookDelivery:
    """Have a test message sent. While one waits, it is that one.

    Raises:
        ConflictError: the endpoint is switched off.
    """
    if not endpoint.active:
        raise ConflictError("Switch this webhook on first: nothing is sent to one that is off.")
    waits = (
        WebhookDelivery.endpoint_id == endpoint.id,
        WebhookDelivery.event == WebhookEvent.TEST,
        WebhookDelivery.state == DeliveryState.WAITING,
    )
    delivery = session.scalar(select(WebhookDelivery).where(*waits).limit(1))
    if delivery is None:
        delivery = WebhookDelivery(endpoint_id=endpoint.id, event=WebhookEvent.TEST.value)
        session.add(delivery)
    delivery.next_at = utc_now()
    session.flush()
    return delivery


def replay(session: Session, endpoint: WebhookEndpoint, delivery_id: str) -> WebhookDelivery:
    """Send one message of an endpoint again, under the same id, as soon as may be.

    Raises:
        NotFoundError: unknown, or another endpoint's.
        ConflictError: it is being sent at this moment.
    """
    delivery = session.get(WebhookDelivery, delivery_id, with_for_update=True)
    if delivery is None or delivery.endpoint_id != endpoint.id:
        raise NotFoundError("There is no delivery with this id.")
    if delivery.state is DeliveryState.SENDING:
        raise ConflictError("This is being sent at this moment.")
    delivery.state, delivery.ended_at, delivery.next_at = DeliveryState.WAITING, None, utc_now()
    delivery.max_attempts = delivery.attempt + MAX_ATTEMPTS
    session.flush()
    return delivery


def replay_failed(database: Database, endpoint_id: str, since: datetime | None) -> int:
    """Send all failed messages of an endpoint again, or those written since a moment. Returns how many."""
    count = 0
    while True:
        with database.write() as session:
            found = _replay_some(session, endpoint_id, since)
        count += found
        if found < BATCH:
            return count


def _replay_some(session: Session, endpoint_id: str, since: datetime | None) -> int:
    failed = select(WebhookDelivery.id).where(
        WebhookDelivery.endpoint_id == endpoint_id, WebhookDelivery.state == DeliveryState.FAILED
    )
    if since is not None:
        failed = failed.where(WebhookDelivery.created_at >= since)
    ids = session.scalars(failed.order_by(WebhookDelivery.id).limit(BATCH).with_for_update()).all()
    changes = {
        "state": DeliveryState.WAITING,
        "ended_at": None,
        "next_at": utc_now(),
        "max_attempts": WebhookDelivery.attempt + MAX_ATTEMPTS,
    }
    session.execute(update(WebhookDelivery).where(WebhookDelivery.id.in_(ids)).values(changes))
    return len(ids)
