"""Batches: many photos sent in one request, each with an outcome of its own."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from shared.clock import utc_now
from shared.tables.base import Base, new_id


class Batch(Base):
    """One request with many photos."""

    __tablename__ = "batch"

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    owner_id: Mapped[str] = mapped_column(ForeignKey("user_account.id"))
    created_at: Mapped[datetime] = mapped_column(default=utc_now)

    __table_args__ = (Index("ix_batch_owner", "owner_id", "id"),)


class BatchItem(Base):
    """One file of a batch: the job that classifies it, or why it was not accepted."""

    __tablename__ = "batch_item"

    batch_id: Mapped[str] = mapped_column(ForeignKey("batch.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(255))
    job_id: Mapped[str | None] = mapped_column(ForeignKey("job.id", ondelete="SET NULL"), index=True)
    error_code: Mapped[str | None] = mapped_column(String(60))
    error_message: Mapped[str | None] = mapped_column(String(500))

    __table_args__ = (CheckConstraint("job_id IS NULL OR error_code IS NULL", name="accepted_or_refused"),)
