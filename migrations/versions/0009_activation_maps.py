"""Why an answer was given: where in the photo it came from; training photos most like what was hard."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; answers of before have neither."""
    op.add_column("prediction", sa.Column("activation_map", sa.LargeBinary(), nullable=True))
    for table in ("prediction", "evaluated_photo"):
        op.add_column(table, sa.Column("nearest", sa.JSON(), nullable=True))


def downgrade() -> None:
    """Drop them again."""
    for table in ("evaluated_photo", "prediction"):
        op.drop_column(table, "nearest")
    op.drop_column("prediction", "activation_map")
