"""The database: one engine, short writing transactions, clean errors."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, func, make_url, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import DeclarativeBase, Session

from shared.errors import DatabaseUnavailableError, HangtagError, StorageFullError

T = TypeVar("T")
TableT = TypeVar("TableT", bound=DeclarativeBase)

# Longer than any writing transaction of ours, shorter than a seller's patience.
SQLITE_BUSY_MS = 10_000
# How SQLite begins its complaints about the file rather than about our statement.
SQLITE_AWAY = ("database is locked", "unable to open", "disk I/O error", "attempt to write a readonly")
POSTGRES_OPTIONS = "-c statement_timeout=10000 -c idle_in_transaction_session_timeout=30000"
POSTGRES_CONNECT_SECONDS = 3
# A server that vanished without a word is noticed within about this time instead of the system's two hours.
POSTGRES_LINK = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}
# Serialization failure, deadlock, the three ways in which a server says that it is going down or coming up.
PASSING_SQLSTATES = ("40001", "40P01", "57P01", "57P02", "57P03")
# A PostgreSQL that lost one backend restarts all of them; it was back within 0.22 s.
REPEAT_PAUSE_SECONDS = 0.5
# Every connection is busy for longer than this only when the database hardly answers.
POOL_WAIT_SECONDS = 5
# A connection older than this is replaced before use; proxies drop idle ones at about an hour.
POOL_RECYCLE_SECONDS = 1800


class Database:
    """Opens reading and writing transactions on one SQLAlchemy engine."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.engine = _sqlite(url) if url.startswith("sqlite") else _postgresql(url)
        self._reading = self.engine.execution_options(hangtag_read=True)
        self._turn = _SqliteTurn() if url.startswith("sqlite") else nullcontext()

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A writing transaction: committed at the end, rolled back on any exception.

        Raises:
            DatabaseUnavailableError: the database does not answer.
            StorageFullError: it has no room left.
        """
        with (
            self._turn,
            _clean_errors(),
            Session(self.engine, expire_on_commit=False) as session,
            session.begin(),
        ):
            yield session

    def transact(self, work: Callable[[Session], T]) -> T:
        """Do `work` in a writing transaction, and once more from the start when the connection broke.

        A commit whose confirmation got lost may have happened, so `work` has to be harmless when it is done
        twice: fenced, keyed, or a mere repetition.

        Raises:
            DatabaseUnavailableError: the database does not answer.
            StorageFullError: it has no room left.
        """
        try:
            with self.write() as session:
                return work(session)
        except DatabaseUnavailableError as error:
            if not _passes_soon(error.__cause__):
                raise
        time.sleep(REPEAT_PAUSE_SECONDS)
        with self.write() as session:
            return work(session)

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


class _SqliteTurn:
    """Lets the threads of this process write one after the other.

    SQLite has one lock for all who write, and whoever does not get it asks again after pauses that grow to a
    tenth of a second. Among dozens of threads some would ask at the wrong moment for a second or more.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        if not self._lock.acquire(timeout=SQLITE_BUSY_MS / 1000):
            raise DatabaseUnavailableError

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def insert_if_absent(session: Session, table: type[TableT], **values: Any) -> TableT | None:
    """Insert a row unless one with the same key is there. Returns it if it was inserted.

    Waits for whoever inserts the same key at this moment, so that a read afterwards sees their row.
    """
    statement = _insert(session)(table).values(**values).on_conflict_do_nothing()
    inserted: TableT | None = session.scalars(statement.returning(table)).first()
    return inserted


def insert_missing(session: Session, table: type[DeclarativeBase], rows: Sequence[dict[str, Any]]) -> None:
    """Insert those of many rows whose key is not there yet; like `insert_if_absent`, in one go."""
    if rows:
        session.execute(_insert(session)(table).on_conflict_do_nothing(), rows)


def take_turn(session: Session, subject: str) -> None:
    """Wait until nobody else has the turn for this subject, and keep it up to the end of the transaction."""
    # SQLite needs no lock of ours: its writing transactions begin one after the other anyway.
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(subject, 0))))


def _insert(session: Session) -> Any:
    return sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert


@contextmanager
def _clean_errors() -> Iterator[None]:
    try:
        yield
    except PoolTimeoutError as error:
        raise DatabaseUnavailableError from error
    except DBAPIError as error:
        explained = _explained(error)
        if explained is None:
            raise
        raise explained from error


def _explained(error: DBAPIError) -> HangtagError | None:
    """What the database's trouble means to a caller; None for a defect of ours, like a wrong statement."""
    text = str(error.orig)
    if "disk is full" in text or "No space left" in text:
        return StorageFullError("The database has no room left. Please try again later.")
    if isinstance(error.orig, sqlite3.Error):
        return DatabaseUnavailableError() if text.startswith(SQLITE_AWAY) else None
    away = error.connection_invalidated or isinstance(error, OperationalError | InterfaceError)
    return DatabaseUnavailableError() if away else None


def _passes_soon(error: BaseException | None) -> bool:
    """Whether trying again at once makes sense. SQLite has waited for its lock already."""
    if not isinstance(error, DBAPIError) or isinstance(error.orig, sqlite3.Error):
        return False
    sqlstate = getattr(error.orig, "sqlstate", None)  # None: the connection broke, or could not be made
    return error.connection_invalidated or sqlstate is None or sqlstate in PASSING_SQLSTATES


def _sqlite(url: str) -> Engine:
    engine = create_engine(
        url,
        pool_timeout=POOL_WAIT_SECONDS,
        connect_args={"timeout": SQLITE_BUSY_MS / 1000, "check_same_thread": False},
    )
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
    # SQLite's own knows the letters of English only, and a search in any case would not find "Tücher".
    connection.create_function("lower", 1, _lower, deterministic=True)


def _lower(text: str | None) -> str | None:
    return None if text is None else text.lower()


def _begin_sqlite(connection: Connection) -> None:
    reading = connection.get_execution_options().get("hangtag_read", False)
    connection.exec_driver_sql("BEGIN DEFERRED" if reading else "BEGIN IMMEDIATE")


def _postgresql(url: str) -> Engine:
    return create_engine(
        make_url(url).set(drivername="postgresql+psycopg"),
        pool_pre_ping=True,
        pool_recycle=POOL_RECYCLE_SECONDS,
        pool_timeout=POOL_WAIT_SECONDS,
        connect_args={
            "connect_timeout": POSTGRES_CONNECT_SECONDS,
            "options": POSTGRES_OPTIONS,
            **POSTGRES_LINK,
        },
    )
