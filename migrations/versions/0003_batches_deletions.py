"""batches, deleted photos."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this revision."""
    _batch()
    _batch_item()
    _deleted_photo()
    _job_photo()


def downgrade() -> None:
    """Go back to the revision before."""
    with op.batch_alter_table("job", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_job_photo_id"))

    with op.batch_alter_table("deleted_photo", schema=None) as batch_op:
        batch_op.drop_index("ix_deleted_photo_to_remove")

    op.drop_table("deleted_photo")
    with op.batch_alter_table("batch_item", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_batch_item_job_id"))

    op.drop_table("batch_item")
    with op.batch_alter_table("batch", schema=None) as batch_op:
        batch_op.drop_index("ix_batch_owner")

    op.drop_table("batch")


def _batch() -> None:
    op.create_table(
        "batch",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("owner_id", sa.String(length=36), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["owner_id"], ["user_account.id"], name=op.f("fk_batch_owner_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batch")),
    )
    with op.batch_alter_table("batch", schema=None) as batch_op:
        batch_op.create_index("ix_batch_owner", ["owner_id", "id"], unique=False)


def _batch_item() -> None:
    op.create_table(
        "batch_item",
        sa.Column("batch_id", sa.String(length=36), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("job_id", sa.String(length=36), nullable=True),
        sa.Column("error_code", sa.String(length=60), nullable=True),
        sa.Column("error_message", sa.String(length=500), nullable=True),
        sa.CheckConstraint(
            "job_id IS NULL OR error_code IS NULL", name=op.f("ck_batch_item_accepted_or_refused")
        ),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["batch.id"], name=op.f("fk_batch_item_batch_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["job_id"], ["job.id"], name=op.f("fk_batch_item_job_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("batch_id", "position", name=op.f("pk_batch_item")),
    )
    with op.batch_alter_table("batch_item", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_batch_item_job_id"), ["job_id"], unique=False)


def _deleted_photo() -> None:
    op.create_table(
        "deleted_photo",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_deleted_photo")),
    )
    with op.batch_alter_table("deleted_photo", schema=None) as batch_op:
        batch_op.create_index(
            "ix_deleted_photo_to_remove",
            ["deleted_at"],
            unique=False,
            sqlite_where=sa.text("removed_at IS NULL"),
            postgresql_where=sa.text("removed_at IS NULL"),
        )


def _job_photo() -> None:
    with op.batch_alter_table("job", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_job_photo_id"), ["photo_id"], unique=False)
