"""`hangtag why`: the map of an answer as text."""

from __future__ import annotations

import json

import pytest

from shared.blobs import BlobStore
from shared.database import Database
from tests.cli.conftest import Command
from tests.factories import add_answered_job, add_champion, add_job, add_photo, add_user


@pytest.mark.usefixtures("server")
def test_where_a_category_came_from_is_drawn_and_said(
    command: Command, database: Database, blobs: BlobStore
) -> None:
    user = add_user(database)
    photo = add_photo(database, blobs, user)
    job = add_answered_job(database, photo, add_champion(database, blobs), hat=0.9)
    shown = command("why", job.id).stdout
    assert shown.splitlines() == [
        "  ██  ",
        "  ░░  ",
        "      ",
        "What speaks for hat is mostly in the upper middle.",
    ]
    assert json.loads(command("why", job.id, "--json").stdout)["map"]["width"] == 3
    waiting = command("why", add_job(database, owner_id=user.id, photo_id=photo.id).id)
    assert waiting.exit_code != 0
    assert "Nothing is kept about why" in waiting.stderr
