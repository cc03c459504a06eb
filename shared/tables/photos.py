"""Photos and what versions answered for them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from shared.clock import utc_now
from shared.tables.base import Base, new_id


class Photo(Base):
    """One owner's photo. The pixels are a blob under `digest`, shared by all photos with the same pixels."""

    __tablename__ = "photo"

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    owner_id: Mapped[str] = mapped_column(ForeignKey("user_account.id"))
    digest: Mapped[str] = mapped_column(String(64), index=True)
    width: Mapped[int]
    height: Mapped[int]
    size: Mapped[int]
    name: Mapped[str] = mapped_column(String(255))
    created_at: Mapped[datetime] = mapped_column(default=utc_now)

    __table_args__ = (
        UniqueConstraint("owner_id", "digest"),
        # Quotas are counted from the index alone.
        Index("ix_photo_quota", "owner_id", "created_at", "size"),
    )


class DeletedPhoto(Base):
    """Pixels that somebody had deleted. The row is written with the deletion and outlives it: what is still
    stored under the digest is removed until `removed_at` says that nothing is, and trainings on dataset
    versions of before know from it which examples they may not use."""

    __tablename__ = "deleted_photo"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    deleted_at: Mapped[datetime] = mapped_column(default=utc_now)
    removed_at: Mapped[datetime | None]

    __table_args__ = (
        Index(
            "ix_deleted_photo_to_remove",
            "deleted_at",
            sqlite_where=text("removed_at IS NULL"),
            postgresql_where=text("removed_at IS NULL"),
        ),
    )


class Prediction(Base):
    """The answer of one model version for one photo. There is at most one."""

    __tablename__ = "prediction"

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    photo_id: Mapped[str] = mapped_column(ForeignKey("photo.id", ondelete="CASCADE"))
    model_version: Mapped[int] = mapped_column(ForeignKey("model_version.number"))
    category: Mapped[str] = mapped_column(String(80))
    confidence: Mapped[float]
    decision: Mapped[str] = mapped_column(String(20))
    top: Mapped[list[Any]]
    # Where in the photo the answer came from (`shared.models.activation_map`); older answers have none.
    activation_map: Mapped[bytes | None]
    # Training photos most like it (`shared.models.evaluated.Neighbour`), of answers that ask the seller.
    nearest: Mapped[list[Any] | None]
    engine: Mapped[str] = mapped_column(String(20))
    created_at: Mapped[datetime] = mapped_column(default=utc_now)

    __table_args__ = (UniqueConstraint("photo_id", "model_version"),)
