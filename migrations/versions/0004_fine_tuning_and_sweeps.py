"""Fine-tuned layers of a version; the trials of a sweep."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this revision."""
    _model_version()
    _sweep_trial()


def downgrade() -> None:
    """Go back to the revision before."""
    op.drop_table("sweep_trial")
    with op.batch_alter_table("model_version", schema=None) as batch_op:
        batch_op.drop_column("layers_digest")


def _model_version() -> None:
    with op.batch_alter_table("model_version", schema=None) as batch_op:
        batch_op.add_column(sa.Column("layers_digest", sa.String(length=64), nullable=True))


def _sweep_trial() -> None:
    op.create_table(
        "sweep_trial",
        sa.Column("job_id", sa.String(length=36), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("parameters", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("metrics", sa.JSON(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["job_id"], ["job.id"], name=op.f("fk_sweep_trial_job_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["version"], ["model_version.number"], name=op.f("fk_sweep_trial_version")),
        sa.PrimaryKeyConstraint("job_id", "number", name=op.f("pk_sweep_trial")),
    )
