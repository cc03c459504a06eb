"""Overview: figures of hours that are over, what was suggested for a listing, indexes to count by."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

DECIDED = sa.text("suggested IS NOT NULL AND removed_at IS NULL")


def upgrade() -> None:
    """Go to this revision."""
    _hourly_figures()
    _suggested()
    op.create_index("ix_job_ended", "job", ["kind", "finished_at"])
    op.create_index(
        "ix_listing_decided",
        "listing",
        ["chosen_at", "suggested", "corrected"],
        sqlite_where=DECIDED,
        postgresql_where=DECIDED,
    )


def downgrade() -> None:
    """Go back to the revision before."""
    op.drop_index("ix_listing_decided", "listing")
    op.drop_index("ix_job_ended", "job")
    op.drop_column("listing", "suggested")
    op.drop_table("hourly_figures")


def _hourly_figures() -> None:
    op.create_table(
        "hourly_figures",
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("figures", sa.JSON(), nullable=False),
        sa.Column("stale", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("hour", name=op.f("pk_hourly_figures")),
    )


def _suggested() -> None:
    """The suggestion of each listing's newest choice, as `choose` writes it from now on."""
    op.add_column("listing", sa.Column("suggested", sa.String(length=80), nullable=True))
    op.execute(
        "UPDATE listing SET suggested = (SELECT suggested FROM category_choice WHERE id = "
        "(SELECT max(id) FROM category_choice WHERE listing_id = listing.id)) WHERE chosen IS NOT NULL"
    )
