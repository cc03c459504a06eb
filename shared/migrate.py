"""Brings a database to the tables of this release."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from shared.database import Database
from shared.settings import Settings

# Any constant of our own: it keeps two starting servers from migrating at the same time.
ADVISORY_LOCK = 4_826_438_264


def upgrade(settings: Settings) -> str:
    """Apply all missing revisions. Returns the revision the database is at afterwards.

    Raises:
        DatabaseUnavailableError: the database does not answer.
    """
    if settings.database_url.startswith("sqlite:///"):
        Path(settings.database_url.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
    database = Database(settings.database_url)
    try:
        with database.write() as session:
            connection = session.connection()
            _lock(connection)
            command.upgrade(_config(connection), "head")
            return _revision(connection) or ""
    finally:
        database.close()


def head() -> str:
    """The newest revision of this release."""
    return ScriptDirectory.from_config(_config(None)).get_current_head() or ""


def current(database: Database) -> str | None:
    """The revision a database is at; None for an empty one."""
    with database.read() as session:
        return _revision(session.connection())


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _lock(connection: Connection) -> None:
    # SQLite needs none: the transaction is the only writing one anyway.
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})


def _config(connection: Connection | None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(files("migrations")))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
