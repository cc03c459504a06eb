"""Checks that the migrations lead to the tables in shared.tables, on an empty SQLite database."""

from __future__ import annotations

import sys
import tempfile

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from shared.database import Database
from shared.migrate import upgrade
from shared.settings import load_settings
from shared.tables import Base


def main() -> None:
    """Print every difference; exit with 1 if there is one."""
    with tempfile.TemporaryDirectory() as folder:
        settings = load_settings({"HANGTAG_DATA_DIR": folder})
        upgrade(settings)
        database = Database(settings.database_url)
        with database.read() as session:
            context = MigrationContext.configure(session.connection(), opts={"compare_type": True})
            differences = compare_metadata(context, Base.metadata)
        database.close()
    if differences:
        listed = "\n".join(str(difference) for difference in differences)
        sys.exit(f"The migrations lead to other tables than shared/tables/; write a revision:\n{listed}")


if __name__ == "__main__":
    main()
