"""Engine gates: whether the int8 engine of a version may serve; indexes that keep lists and pruning quick."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table and the indexes."""
    _engine_gate()
    op.create_index("ix_job_kind", "job", ["kind", "id"])
    op.create_index(op.f("ix_attempt_ended_at"), "attempt", ["ended_at"])


def downgrade() -> None:
    """Drop them again."""
    op.drop_index(op.f("ix_attempt_ended_at"), table_name="attempt")
    op.drop_index("ix_job_kind", table_name="job")
    op.drop_table("engine_gate")


def _engine_gate() -> None:
    op.create_table(
        "engine_gate",
        sa.Column("model_version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("job_id", sa.String(length=36), nullable=False),
        sa.Column("dataset_version", sa.Integer(), nullable=False),
        sa.Column("openvino", sa.String(length=40), nullable=False),
        sa.Column("network_digest", sa.String(length=64), nullable=True),
        sa.Column("passed", sa.Boolean(), nullable=True),
        sa.Column("figures", sa.JSON(), nullable=True),
        sa.Column("reason", sa.String(length=500), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["dataset_version"], ["dataset_version.number"], name=op.f("fk_engine_gate_dataset_version")
        ),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name=op.f("fk_engine_gate_job_id")),
        sa.ForeignKeyConstraint(
            ["model_version"], ["model_version.number"], name=op.f("fk_engine_gate_model_version")
        ),
        sa.PrimaryKeyConstraint("model_version", name=op.f("pk_engine_gate")),
    )
