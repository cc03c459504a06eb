"""`hangtag data` against a real server."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from shared import accounts
from shared.blobs import BlobStore
from shared.database import Database
from tests.cli.conftest import Command
from tests.factories import add_photo


@pytest.mark.usefixtures("server")
def test_what_is_mine_can_be_saved_and_then_deleted(
    command: Command, database: Database, blobs: BlobStore, tmp_path: Path
) -> None:
    with database.write() as session:
        me = accounts.ensure_admin(session)
    photo = add_photo(database, blobs, me)
    target = tmp_path / "mine.zip"
    assert command("data", "export", str(target)).exit_code == 0
    with zipfile.ZipFile(target) as saved:
        assert f"photos/{photo.id}.jpg" in saved.namelist()
    result = command("data", "delete", "--yes")
    assert result.exit_code == 0
    assert "1 photos" in result.stderr
    assert "0 photos" in command("data", "delete", "--yes").stderr


@pytest.mark.usefixtures("server")
def test_deleting_asks_first(command: Command) -> None:
    assert command("data", "delete").exit_code != 0
