"""Diagnostic versions, the last lines of long jobs, how busy a worker's GPU is."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns and the table."""
    _diagnostic()
    _gpu()
    _job_log()


def downgrade() -> None:
    """Drop them again. Diagnostic versions go too: without the column they could be promoted."""
    op.drop_table("job_log")
    op.drop_column("worker_heartbeat", "gpu")
    op.execute(
        "DELETE FROM version_note WHERE version IN (SELECT number FROM model_version WHERE diagnostic)"
    )
    op.execute("DELETE FROM model_version WHERE diagnostic")
    op.drop_column("model_version", "diagnostic")


def _diagnostic() -> None:
    op.add_column(
        "model_version",
        sa.Column("diagnostic", sa.Boolean(), server_default=sa.false(), nullable=False),
    )


def _gpu() -> None:
    op.add_column("worker_heartbeat", sa.Column("gpu", sa.String(length=200), nullable=True))


def _job_log() -> None:
    op.create_table(
        "job_log",
        sa.Column("job_id", sa.String(length=36), nullable=False),
        sa.Column("lines", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name=op.f("fk_job_log_job_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("job_id", name=op.f("pk_job_log")),
    )
