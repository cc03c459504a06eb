"""Why an answer was given: where in the photo it came from; the training photos most like a mistake."""

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
    op.add_column("evaluated_photo", sa.Column("nearest", sa.JSON(), nullable=True))


def downgrade() -> None:
    """Drop them again."""
    op.drop_column("evaluated_photo", "nearest")
    op.drop_column("prediction", "activation_map")
