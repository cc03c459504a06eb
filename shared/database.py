"""The database: one engine, short writing transactions, clean errors."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import DeclarativeBase, Session

from shared.errors import DatabaseUnavailableError, StorageFullError

# Longer than any writing transaction of ours, shorter than a seller's patience.
SQLITE_BUSY_MS = 10_000
# How SQLite begins its complaints about the file rather than about our statement.
SQLITE_AWAY = ("database is locked", "unable to open", "disk I/O error", "attempt to write a readonly")
POSTGRES_OPTIONS = "-c statement_timeout=10000 -c idle_in_transaction_session_timeout=30000"
POSTGRES_CONNECT_SECONDS = 3
# A connection older than this is replaced before use; proxies drop idle ones at about an hour.
POOL_RECYCLE_SECONDS = 1800


class Database:
    """Opens reading and writing transactions on one SQLAlchemy engine."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.engine = _sqlite(url) if url.startswith("sqlite") else _postgresql(url)
        self._reading = self.engine.execution_options(hangtag_read=True)

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A writing transaction: committed at the end, rolled back on any exception.

        Raises:
            DatabaseUnavailableError: the database does not answer.
            StorageFullError: it has no room left.
        """
        with _clean_errors(), Session(self.engine, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A reading transaction; what it loads stays usable after it.

        Raises:
            DatabaseUnavailableError: the database does not answer.
        """
        with _clean_errors(), Session(self._reading, expire_on_commit=False) as session:
            yield session

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def insert_if_absent(session: Session, table: type[DeclarativeBase], **values: Any) -> bool:
    """Insert a row unless one with the same key is there. Returns whether it was inserted.

    Waits for whoever inserts the same key at this moment, so that a read afterwards sees their row.
    """
    dialect = session.get_bind().dialect.name
    insert = sqlite.insert if dialect == "sqlite" else postgresql.insert
    statement = insert(table).values(**values).on_conflict_do_nothing()
    return session.execute(statement.returning(*table.__table__.primary_key)).first() is not None


@contextmanager
def _clean_errors() -> Iterator[None]:
    try:
        yield
    except OperationalError as error:
        text = str(error.orig)
        if "disk is full" in text or "No space left" in text:
            raise StorageFullError("The database has no room left. Please try again later.") from error
        if isinstance(error.orig, sqlite3.Error) and not text.startswith(SQLITE_AWAY):
            raise  # a wrong statement or a missing table: a defect, not a database that is away
        raise DatabaseUnavailableError from error


def _sqlite(url: str) -> Engine:
    engine = create_engine(url, connect_args={"timeout": SQLITE_BUSY_MS / 1000, "check_same_thread": False})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    # The driver's own BEGIN is deferred and comes late: a read followed by a write would then fail at once
    # with "database is locked". We begin ourselves, below.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")  # NORMAL may lose the last commits on power loss
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute(f"PRAGMA busy_timeout={SQLITE_BUSY_MS}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    reading = connection.get_execution_options().get("hangtag_read", False)
    connection.exec_driver_sql("BEGIN DEFERRED" if reading else "BEGIN IMMEDIATE")


def _postgresql(url: str) -> Engine:
    return create_engine(
        make_url(url).set(drivername="postgresql+psycopg"),
        pool_pre_ping=True,
        pool_recycle=POOL_RECYCLE_SECONDS,
        connect_args={"connect_timeout": POSTGRES_CONNECT_SECONDS, "options": POSTGRES_OPTIONS},
    )
