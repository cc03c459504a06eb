"""passwords, sessions with limits, throttled sign-in, audit log, indexes for quotas."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this revision."""
    _user_account()
    _web_session()
    _api_key()
    _sign_in_attempt()
    _audit_event()
    _audit_event_is_append_only()
    _photo()
    _job()


def downgrade() -> None:
    """Go back to the revision before."""
    op.drop_index("ix_job_unfinished", table_name="job")
    op.drop_index("ix_photo_quota", table_name="photo")
    op.drop_table("audit_event")  # and its triggers with it
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION audit_event_refuse()")
    op.drop_table("sign_in_attempt")
    op.drop_index("ix_api_key_user_id", table_name="api_key")
    with op.batch_alter_table("web_session", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_web_session_user_id"))
        for column in ("by_link", "browser", "last_seen_at"):
            batch_op.drop_column(column)
    with op.batch_alter_table("user_account", schema=None) as batch_op:
        for column in ("disabled_at", "password_set_at", "password_hash"):
            batch_op.drop_column(column)


def _user_account() -> None:
    with op.batch_alter_table("user_account", schema=None) as batch_op:
        batch_op.add_column(sa.Column("password_hash", sa.String(length=200), nullable=True))
        batch_op.add_column(sa.Column("password_set_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True))


def _web_session() -> None:
    with op.batch_alter_table("web_session", schema=None) as batch_op:
        batch_op.add_column(sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("browser", sa.String(length=60), nullable=True))
        batch_op.add_column(sa.Column("by_link", sa.Boolean(), nullable=True))
        batch_op.create_index(batch_op.f("ix_web_session_user_id"), ["user_id"], unique=False)


def _api_key() -> None:
    op.create_index("ix_api_key_user_id", "api_key", ["user_id"], unique=False)


def _sign_in_attempt() -> None:
    op.create_table(
        "sign_in_attempt",
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("window_ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("subject", name=op.f("pk_sign_in_attempt")),
    )
    op.create_index("ix_sign_in_attempt_window_ends_at", "sign_in_attempt", ["window_ends_at"], unique=False)


def _audit_event() -> None:
    op.create_table(
        "audit_event",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=120), nullable=False),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("request_id", sa.String(length=64), nullable=True),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_audit_event")),
    )
    op.create_index("ix_audit_event_action", "audit_event", ["action", "number"], unique=False)
    op.create_index("ix_audit_event_actor", "audit_event", ["actor", "number"], unique=False)


def _audit_event_is_append_only() -> None:
    # A later revision that copies the table on SQLite (batch_alter_table) has to make these anew.
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER audit_event_no_{verb.lower()} BEFORE {verb} ON audit_event "
                "BEGIN SELECT RAISE(ABORT, 'audit_event is append-only'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION audit_event_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'audit_event is append-only'; END $$"
    )
    op.execute(
        "CREATE TRIGGER audit_event_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_event "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_event_refuse()"
    )


def _photo() -> None:
    op.create_index("ix_photo_quota", "photo", ["owner_id", "created_at", "size"], unique=False)


def _job() -> None:
    op.create_index(
        "ix_job_unfinished",
        "job",
        ["owner_id", "kind"],
        unique=False,
        sqlite_where=sa.text("finished_at IS NULL"),
        postgresql_where=sa.text("finished_at IS NULL"),
    )
