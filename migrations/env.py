"""Runs revisions on the connection that shared.migrate hands over."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context

from shared.tables import Base
from shared.tables.base import EnumText, UtcDateTime

# A migration that cannot get its locks soon must not queue up behind sellers and block them all.
POSTGRES_TIMEOUTS = ("SET LOCAL lock_timeout = '5s'", "SET LOCAL statement_timeout = '10min'")


def plain_type(kind: str, item: Any, _context: Any) -> str | Literal[False]:
    """Write our column types as what the database stores: revisions must not change with our code."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(item, EnumText):
        return "sa.String(length=20)"
    return False


def run() -> None:
    """Run all missing revisions in the caller's one transaction, with bounded waits for locks."""
    connection = context.config.attributes["connection"]
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        compare_type=True,
        render_item=plain_type,
    )
    with context.begin_transaction():
        if connection.dialect.name == "postgresql":
            for statement in POSTGRES_TIMEOUTS:
                connection.exec_driver_sql(statement)
        context.run_migrations()


run()
