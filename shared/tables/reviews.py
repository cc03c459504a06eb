"""What reviewers said about photos."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from shared.clock import utc_now
from shared.tables.base import Base, new_id


class Review(Base):
    """One reviewer's answer for one photo, and what was suggested. Taken back, it stays with `undone_at`."""

    __tablename__ = "review"

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    photo_id: Mapped[str] = mapped_column(ForeignKey("photo.id", ondelete="CASCADE"), index=True)
    reviewer_id: Mapped[str] = mapped_column(ForeignKey("user_account.id"))
    stream: Mapped[str] = mapped_column(String(20))  # why the photo was shown: useful, sample or second
    label: Mapped[str] = mapped_column(String(80))
    suggested: Mapped[str] = mapped_column(String(80))
    model_version: Mapped[int] = mapped_column(ForeignKey("model_version.number"))
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    undone_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("stream IN ('useful', 'sample', 'second')", name="stream"),
        Index("ix_review_reviewer", "reviewer_id", "id"),
        Index("ix_review_version", "model_version", "stream"),
    )
