"""Keeps the log of webhooks from growing for ever."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import and_, delete, or_, select
from sqlalchemy.orm import Session

from shared.database import Database
from shared.jobs.pruning import BATCH
from shared.tables import WebhookDelivery, WebhookEndpoint


def prune_deliveries(database: Database, before: datetime) -> int:
    """Remove messages that ended before `before`, and those that wait since then for an endpoint that is off.

    Some at a time. Returns how many.
    """
    removed = 0
    while (count := database.transact(lambda session: _prune(session, before))) == BATCH:
        removed += count
    return removed + count


def _prune(session: Session, before: datetime) -> int:
    off = select(WebhookEndpoint.id).where(WebhookEndpoint.active.is_(False))
    forgotten = and_(
        WebhookDelivery.endpoint_id.in_(off),
        WebhookDelivery.ended_at.is_(None),
        WebhookDelivery.created_at < before,
    )
    old = select(WebhookDelivery.id).where(or_(WebhookDelivery.ended_at < before, forgotten)).limit(BATCH)
    ids = list(session.scalars(old))
    session.execute(delete(WebhookDelivery).where(WebhookDelivery.id.in_(ids)))
    return len(ids)
