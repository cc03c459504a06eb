"""listings, category choices, reviews."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this revision."""
    _listing()
    _listing_photo()
    _category_choice()
    _review()


def downgrade() -> None:
    """Go back to the revision before."""
    op.drop_table("review")
    op.drop_table("category_choice")
    op.drop_table("listing_photo")
    op.drop_table("listing")


def _listing() -> None:
    op.create_table(
        "listing",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("owner_id", sa.String(length=36), nullable=False),
        sa.Column("title", sa.String(length=120), nullable=False),
        sa.Column("chosen", sa.String(length=80), nullable=True),
        sa.Column("chosen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("corrected", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["owner_id"], ["user_account.id"], name=op.f("fk_listing_owner_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_listing")),
    )
    op.create_index("ix_listing_owner", "listing", ["owner_id", "id"])


def _listing_photo() -> None:
    op.create_table(
        "listing_photo",
        sa.Column("listing_id", sa.String(length=36), nullable=False),
        sa.Column("photo_id", sa.String(length=36), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["listing_id"], ["listing.id"], name=op.f("fk_listing_photo_listing_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["photo_id"], ["photo.id"], name=op.f("fk_listing_photo_photo_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("listing_id", "photo_id", name=op.f("pk_listing_photo")),
    )
    op.create_index(op.f("ix_listing_photo_photo_id"), "listing_photo", ["photo_id"])


def _category_choice() -> None:
    op.create_table(
        "category_choice",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("listing_id", sa.String(length=36), nullable=False),
        sa.Column("actor_id", sa.String(length=36), nullable=False),
        sa.Column("chosen", sa.String(length=80), nullable=False),
        sa.Column("suggested", sa.String(length=80), nullable=True),
        sa.Column("confidence", sa.Double(), nullable=True),
        sa.Column("model_version", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["listing_id"], ["listing.id"], name=op.f("fk_category_choice_listing_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["actor_id"], ["user_account.id"], name=op.f("fk_category_choice_actor_id")),
        sa.ForeignKeyConstraint(
            ["model_version"], ["model_version.number"], name=op.f("fk_category_choice_model_version")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_category_choice")),
    )
    op.create_index(op.f("ix_category_choice_listing_id"), "category_choice", ["listing_id"])


def _review() -> None:
    op.create_table(
        "review",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("photo_id", sa.String(length=36), nullable=False),
        sa.Column("reviewer_id", sa.String(length=36), nullable=False),
        sa.Column("stream", sa.String(length=20), nullable=False),
        sa.Column("label", sa.String(length=80), nullable=False),
        sa.Column("suggested", sa.String(length=80), nullable=False),
        sa.Column("model_version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("stream IN ('useful', 'sample', 'second')", name=op.f("ck_review_stream")),
        sa.ForeignKeyConstraint(
            ["photo_id"], ["photo.id"], name=op.f("fk_review_photo_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["reviewer_id"], ["user_account.id"], name=op.f("fk_review_reviewer_id")),
        sa.ForeignKeyConstraint(
            ["model_version"], ["model_version.number"], name=op.f("fk_review_model_version")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review")),
    )
    op.create_index(op.f("ix_review_photo_id"), "review", ["photo_id"])
    op.create_index("ix_review_reviewer", "review", ["reviewer_id", "id"])
    op.create_index("ix_review_version", "review", ["model_version", "stream"])
