"""`hangtag data` against a real server."""

from __future__ import annotations

import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from shared import accounts
from shared.blobs import BlobStore
from shared.clock import utc_now
from shared.database import Database
from shared.tables import Photo
from tests.cli.conftest import Command
from tests.factories import add_photo


@pytest.mark.usefixtures("server")
def test_what_is_mine_can_be_saved_and_then_deleted(
    command: Command, database: Database, blobs: BlobStore, tmp_path: Path
) -> None:
    with database.write() as session:
        me = accounts.ensure_admin(session)
    photo = add_photo(database, blobs, me)
    sent, now = datetime(2025, 3, 4, 5, 6, 8, tzinfo=UTC), utc_now()
    with database.write() as session:
        session.execute(update(Photo).values(created_at=sent))
    target = tmp_path / "mine.zip"
    assert command("data", "export", str(target)).exit_code == 0
    with zipfile.ZipFile(target) as saved:
        dates = {info.filename: datetime(*info.date_time).astimezone() for info in saved.infolist()}
    assert dates.pop(f"photos/{photo.id}.jpg") == sent
    assert "listings.jsonl" in dates
    assert min(dates.values()) >= now - timedelta(seconds=2)  # zip archives count in twos
    result = command("data", "delete", "--yes")
    assert result.exit_code == 0
    assert "1 photos" in result.stderr
    assert "0 photos" in command("data", "delete", "--yes").stderr


@pytest.mark.usefixtures("server")
def test_a_file_that_exists_is_replaced_only_with_force(command: Command, tmp_path: Path) -> None:
    target = tmp_path / "mine.zip"
    target.write_text("something else")
    refused = command("data", "export", str(target))
    assert refused.exit_code == 2
    assert "--force" in refused.stderr
    assert target.read_text() == "something else"
    assert command("data", "export", str(target), "--force").exit_code == 0
    assert zipfile.is_zipfile(target)


@pytest.mark.usefixtures("server")
def test_deleting_asks_first(command: Command) -> None:
    assert command("data", "delete").exit_code != 0
