"""Webhook endpoints and the messages to them. What a message says is read from the job when it is sent."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from shared.clock import utc_now
from shared.tables.base import Base, new_id
from shared.webhooks.states import DeliveryState

MAX_URL_CHARACTERS = 1000  # both databases can keep that in an index
MAX_DESCRIPTION_CHARACTERS = 200
MAX_ANSWER_CHARACTERS = 500
# The pauses between them double from 10 s up to 6 h (`shared.webhooks.deliveries`), about a day in all.
MAX_ATTEMPTS = 15


class WebhookEndpoint(Base):
    """An address that somebody wants to be told at. Its secret is derived from `salt`, and is not in here."""

    __tablename__ = "webhook_endpoint"

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    owner_id: Mapped[str] = mapped_column(ForeignKey("user_account.id"))
    url: Mapped[str] = mapped_column(String(MAX_URL_CHARACTERS))
    description: Mapped[str] = mapped_column(String(MAX_DESCRIPTION_CHARACTERS), default="")
    events: Mapped[list[Any]]
    active: Mapped[bool] = mapped_column(default=True)
    note: Mapped[str | None] = mapped_column(String(300))  # why Hangtag switched it off
    salt: Mapped[str] = mapped_column(String(32))
    secret_digest: Mapped[str] = mapped_column(String(64))
    # The secret before the last rotation signs as well until then.
    previous_salt: Mapped[str | None] = mapped_column(String(32))
    previous_until: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    # How often it failed since it last worked, since when, and until when nothing more is tried.
    failures: Mapped[int] = mapped_column(default=0)
    failing_since: Mapped[datetime | None]
    paused_until: Mapped[datetime | None]

    __table_args__ = (UniqueConstraint("owner_id", "url"),)


class WebhookDelivery(Base):
    """One message to one endpoint and how its last attempt went. The row's id is the message's."""

    __tablename__ = "webhook_delivery"

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    endpoint_id: Mapped[str] = mapped_column(ForeignKey("webhook_endpoint.id", ondelete="CASCADE"))
    event: Mapped[str] = mapped_column(String(40))
    # What it is about; a test is about nothing.
    job_id: Mapped[str | None] = mapped_column(ForeignKey("job.id", ondelete="CASCADE"))
    batch_id: Mapped[str | None] = mapped_column(ForeignKey("batch.id", ondelete="CASCADE"))
    alias_change_id: Mapped[int | None] = mapped_column(ForeignKey("alias_change.id", ondelete="CASCADE"))
    state: Mapped[DeliveryState] = mapped_column(default=DeliveryState.WAITING)
    attempt: Mapped[int] = mapped_column(default=0)
    max_attempts: Mapped[int] = mapped_column(default=MAX_ATTEMPTS)  # more after each replay
    next_at: Mapped[datetime] = mapped_column(default=utc_now)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    ended_at: Mapped[datetime | None] = mapped_column(index=True)  # old ones are pruned
    # The last attempt.
    sent_at: Mapped[datetime | None]
    status: Mapped[int | None]
    duration_ms: Mapped[int | None]
    answer: Mapped[str | None] = mapped_column(String(MAX_ANSWER_CHARACTERS))
    error: Mapped[str | None] = mapped_column(String(300))

    __table_args__ = (
        CheckConstraint(
            "(state IN ('delivered', 'failed')) = (ended_at IS NOT NULL)", name="ended_when_terminal"
        ),
        # Whatever happens twice before a commit is known, there is one message per thing and endpoint.
        UniqueConstraint("job_id", "endpoint_id"),
        UniqueConstraint("batch_id", "endpoint_id"),
        UniqueConstraint("alias_change_id", "endpoint_id"),
        Index("ix_webhook_delivery_log", "endpoint_id", "id"),
        Index(
            "ix_webhook_delivery_waiting",
            "endpoint_id",
            "next_at",
            "id",
            sqlite_where=text("state = 'waiting'"),
            postgresql_where=text("state = 'waiting'"),
        ),
        Index(
            "ix_webhook_delivery_sending",
            "endpoint_id",
            sqlite_where=text("state = 'sending'"),
            postgresql_where=text("state = 'sending'"),
        ),
    )
