"""The database as commands on the server's own machine use it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shared.database import Database
from shared.errors import SettingsError
from shared.settings import Settings

SQLITE = "sqlite:///"


@contextmanager
def local_database(settings: Settings) -> Iterator[Database]:
    """Open the database of a set-up that has been started before, and close it.

    Raises:
        SettingsError: there is no such database yet.
    """
    require_database(settings)
    database = Database(settings.database_url)
    try:
        yield database
    finally:
        database.close()


def require_database(settings: Settings) -> None:
    """See that Hangtag was started here before; a server's database is not asked.

    Raises:
        SettingsError: there is no such database yet.
    """
    file = settings.database_url.removeprefix(SQLITE)
    if settings.database_url.startswith(SQLITE) and not Path(file).is_file():
        raise SettingsError(
            f"There is no database at {file} yet. Start Hangtag once with 'hangtag run', "
            "or set HANGTAG_DATA_DIR to the folder that it uses."
        )
