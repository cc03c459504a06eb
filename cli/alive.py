"""Whether the worker of this machine shows signs of life: `python -m cli.alive predict`, for containers."""

from __future__ import annotations

import socket
import sys
from datetime import timedelta

from sqlalchemy import select

from cli.local import local_settings
from shared.clock import utc_now
from shared.database import Database
from shared.errors import HangtagError
from shared.settings import Settings
from shared.tables import WorkerHeartbeat

# Workers write every ten seconds; a busy disk or database may cost a few of those.
SILENCE = timedelta(seconds=60)


def is_alive(settings: Settings, kind: str, host: str) -> bool:
    """Whether a worker of this kind on this host was heard of lately.

    Raises:
        DatabaseUnavailableError: the database does not answer.
    """
    database = Database(settings.database_url)
    try:
        with database.read() as session:
            found = session.scalar(
                select(WorkerHeartbeat.name).where(
                    WorkerHeartbeat.name.startswith(f"{kind}@{host}:", autoescape=True),
                    WorkerHeartbeat.seen_at > utc_now() - SILENCE,
                )
            )
    finally:
        database.close()
    return found is not None


def main(kind: str) -> int:
    """The exit status for a container's health check."""
    try:
        alive = is_alive(local_settings(), kind, socket.gethostname())
    except HangtagError as error:
        sys.stderr.write(f"{error.message}\n")
        return 1
    if not alive:
        sys.stderr.write(f"No sign of life from the {kind} worker for {SILENCE.total_seconds():.0f} s.\n")
    return 0 if alive else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
