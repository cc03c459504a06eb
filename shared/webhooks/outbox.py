"""Writes down who has to be told about what, in the transaction in which it happens: both or neither.

Where nobody has an endpoint, this is one look at an empty table per transaction, for any number of photos.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import Select, select, update
from sqlalchemy.orm import Session

from shared.clock import utc_now
from shared.database import insert_missing
from shared.tables import (
    AliasChange,
    Batch,
    BatchItem,
    Job,
    User,
    WebhookDelivery,
    WebhookEndpoint,
    new_id,
)
from shared.webhooks.states import EVENT_OF_STATE, DeliveryState, WebhookEvent


def jobs_ended(session: Session, job_ids: Collection[str]) -> None:
    """Jobs were moved to their last state in this transaction."""
    wanted = (
        select(WebhookEndpoint.id, WebhookEndpoint.events, Job.id, Job.state)
        .join(Job, Job.owner_id == WebhookEndpoint.owner_id)
        .where(Job.id.in_(job_ids), Job.finished_at.is_not(None), WebhookEndpoint.active)
    )
    found = session.execute(wanted).all()
    _write(
        session,
        [
            {"endpoint_id": endpoint_id, "event": EVENT_OF_STATE[state].value, "job_id": job_id}
            for endpoint_id, events, job_id, state in found
            if EVENT_OF_STATE[state].value in events
        ],
    )
    if any(WebhookEvent.BATCH_FINISHED.value in events for _, events, *_ in found):
        ended = select(BatchItem.batch_id).where(BatchItem.job_id.in_(job_ids)).distinct()
        batches_changed(session, session.scalars(ended).all())


def batches_changed(session: Session, batch_ids: Sequence[str]) -> None:
    """Files of batches got their outcome in this transaction; batches that have no other left are finished.

    Locked first: of two transactions that end the last two files of a batch, the second sees the first.
    """
    if not batch_ids:
        return
    locked = select(Batch.id).where(Batch.id.in_(batch_ids)).order_by(Batch.id)
    session.execute(locked.with_for_update(key_share=True))
    unfinished = (
        select(BatchItem.batch_id)
        .join(Job, Job.id == BatchItem.job_id)
        .where(BatchItem.batch_id.in_(batch_ids), Job.finished_at.is_(None))
    )
    wanted = (
        select(WebhookEndpoint.id, WebhookEndpoint.events, Batch.id)
        .join(Batch, Batch.owner_id == WebhookEndpoint.owner_id)
        .where(Batch.id.in_(batch_ids), Batch.id.not_in(unfinished), WebhookEndpoint.active)
    )
    event = WebhookEvent.BATCH_FINISHED.value
    _write(
        session,
        [
            {"endpoint_id": endpoint_id, "event": event, "batch_id": batch_id}
            for endpoint_id, events, batch_id in session.execute(wanted)
            if event in events
        ],
    )


def version_promoted(session: Session, change: AliasChange) -> None:
    """Another version answers sellers from now on."""
    event = WebhookEvent.VERSION_PROMOTED.value
    admins = (
        select(WebhookEndpoint.id, WebhookEndpoint.events)
        .join(User, User.id == WebhookEndpoint.owner_id)
        .where(WebhookEndpoint.active, User.role == "admin")
    )
    _write(
        session,
        [
            {"endpoint_id": endpoint_id, "event": event, "alias_change_id": change.id}
            for endpoint_id, events in session.execute(admins)
            if event in events
        ],
    )


def forget_answers(session: Session, job_ids: Select[str]) -> None:
    """Drop what receivers answered about jobs: it may repeat what they were told about a deleted photo."""
    about = WebhookDelivery.job_id.in_(job_ids)
    session.execute(update(WebhookDelivery).where(about).values(answer=None))


def _write(session: Session, rows: Iterable[dict[str, Any]]) -> None:
    now = utc_now()
    fixed = {"state": DeliveryState.WAITING, "attempt": 0, "next_at": now, "created_at": now}
    insert_missing(session, WebhookDelivery, [{"id": new_id(), **fixed, **row} for row in rows])
