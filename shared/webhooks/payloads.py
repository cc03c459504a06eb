"""What a message says, read from the database when it is sent: of a deleted photo nothing is kept in here."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from shared import batches
from shared.clock import rfc3339
from shared.public_views import AliasChangeOut, BatchOut, JobOut
from shared.tables import AliasChange, Batch, Job, WebhookDelivery


def body(session: Session, delivery: WebhookDelivery) -> bytes:
    """The message as JSON: `type`, the `timestamp` of what happened, and `data` as the API shows it."""
    moment, data = _happened(session, delivery)
    message = {"type": delivery.event, "timestamp": rfc3339(moment), "data": data}
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()


def _happened(session: Session, delivery: WebhookDelivery) -> tuple[datetime, dict[str, Any]]:
    # Rows that are gone have taken their deliveries with them, so each of these is there.
    if delivery.job_id is not None:
        job = session.get_one(Job, delivery.job_id)
        return job.finished_at or delivery.created_at, JobOut.of(job).model_dump(mode="json")
    if delivery.batch_id is not None:
        batch = session.get_one(Batch, delivery.batch_id)
        summary = BatchOut.of(batches.summary(session, batch))
        return delivery.created_at, summary.model_dump(mode="json")
    if delivery.alias_change_id is not None:
        change = session.get_one(AliasChange, delivery.alias_change_id)
        return change.created_at, AliasChangeOut.of(change).model_dump(mode="json")
    return delivery.created_at, {"webhook_id": delivery.endpoint_id}
