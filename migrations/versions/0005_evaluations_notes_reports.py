"""evaluated photos, notes on versions, dataset reports, the gate's verdicts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this revision."""
    _evaluated_photo()
    _version_note()
    _dataset_report()
    op.create_index(op.f("ix_dataset_example_digest"), "dataset_example", ["digest"])
    with op.batch_alter_table("alias_change") as alias_change:
        alias_change.add_column(sa.Column("gate", sa.JSON(), nullable=True))
        alias_change.alter_column("after", existing_type=sa.Integer(), nullable=True)


def downgrade() -> None:
    """Go back to the revision before. Aliases that were taken away leave no trace there."""
    op.execute("DELETE FROM alias_change WHERE after IS NULL")
    with op.batch_alter_table("alias_change") as alias_change:
        alias_change.alter_column("after", existing_type=sa.Integer(), nullable=False)
        alias_change.drop_column("gate")
    op.drop_index(op.f("ix_dataset_example_digest"), "dataset_example")
    op.drop_table("dataset_report")
    op.drop_table("version_note")
    op.drop_table("evaluated_photo")


def _evaluated_photo() -> None:
    op.create_table(
        "evaluated_photo",
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("dataset_version", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("truth", sa.String(length=80), nullable=False),
        sa.Column("answer", sa.String(length=80), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["version"], ["model_version.number"], name=op.f("fk_evaluated_photo_version")
        ),
        sa.ForeignKeyConstraint(
            ["dataset_version"], ["dataset_version.number"], name=op.f("fk_evaluated_photo_dataset_version")
        ),
        sa.PrimaryKeyConstraint("version", "dataset_version", "digest", name=op.f("pk_evaluated_photo")),
    )
    op.create_index(
        "ix_evaluated_photo_cell", "evaluated_photo", ["version", "dataset_version", "truth", "answer"]
    )


def _version_note() -> None:
    op.create_table(
        "version_note",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("author", sa.String(length=120), nullable=False),
        sa.Column("text", sa.String(length=2000), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["version"], ["model_version.number"], name=op.f("fk_version_note_version")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_version_note")),
    )
    op.create_index(op.f("ix_version_note_version"), "version_note", ["version"])


def _dataset_report() -> None:
    op.create_table(
        "dataset_report",
        sa.Column("dataset_version", sa.Integer(), nullable=False),
        sa.Column("findings", sa.JSON(), nullable=False),
        sa.Column("feature_space", sa.String(length=80), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["dataset_version"], ["dataset_version.number"], name=op.f("fk_dataset_report_dataset_version")
        ),
        sa.PrimaryKeyConstraint("dataset_version", name=op.f("pk_dataset_report")),
    )
