"""quarantined photos found by an index."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this revision."""
    held = sa.text("state = 'quarantined' AND retried_as IS NULL")
    op.create_index("ix_job_quarantine", "job", ["photo_id"], sqlite_where=held, postgresql_where=held)


def downgrade() -> None:
    """Go back to the revision before."""
    op.drop_index("ix_job_quarantine", "job")
