"""What sellers are about to sell: listings, their photos, and every choice of a category."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from shared.clock import utc_now
from shared.tables.base import Base, new_id

# Sellers decided about a suggestion. Said like this in the query, too, it is answered by its index.
DECIDED = "suggested IS NOT NULL AND removed_at IS NULL"


class Listing(Base):
    """A seller's draft. `chosen`, `suggested` and `corrected` repeat its newest category choice, for lists,
    filters and figures; `suggested` is None where the seller was asked to choose."""

    __tablename__ = "listing"

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    owner_id: Mapped[str] = mapped_column(ForeignKey("user_account.id"))
    title: Mapped[str] = mapped_column(String(120), default="")
    chosen: Mapped[str | None] = mapped_column(String(80))
    chosen_at: Mapped[datetime | None]
    suggested: Mapped[str | None] = mapped_column(String(80))
    corrected: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    removed_at: Mapped[datetime | None]  # a removed listing is seen by nobody; its choices stay

    __table_args__ = (
        Index("ix_listing_owner", "owner_id", "id"),
        # How often sellers corrected what was suggested is counted from the index alone.
        Index(
            "ix_listing_decided",
            "chosen_at",
            "suggested",
            "corrected",
            sqlite_where=text(DECIDED),
            postgresql_where=text(DECIDED),
        ),
    )


class ListingPhoto(Base):
    """A photo of a listing. The one with the lowest position is its cover; positions may have gaps."""

    __tablename__ = "listing_photo"

    listing_id: Mapped[str] = mapped_column(ForeignKey("listing.id", ondelete="CASCADE"), primary_key=True)
    photo_id: Mapped[str] = mapped_column(
        ForeignKey("photo.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    position: Mapped[int]


class CategoryChoice(Base):
    """One decision about a listing: by whom, when, and what was suggested by which version. Never changed.

    `suggested` is the category that stood first, also where the seller was asked to choose; it is None
    when no photo had an answer yet.
    """

    __tablename__ = "category_choice"

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    listing_id: Mapped[str] = mapped_column(ForeignKey("listing.id", ondelete="CASCADE"), index=True)
    actor_id: Mapped[str] = mapped_column(ForeignKey("user_account.id"))
    chosen: Mapped[str] = mapped_column(String(80))
    suggested: Mapped[str | None] = mapped_column(String(80))
    confidence: Mapped[float | None]
    model_version: Mapped[int | None] = mapped_column(ForeignKey("model_version.number"))
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
