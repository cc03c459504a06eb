"""Activation maps: where in a photo an answer came from, kept with it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; answers of before have no map."""
    op.add_column("prediction", sa.Column("activation_map", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    """Drop it again."""
    op.drop_column("prediction", "activation_map")
