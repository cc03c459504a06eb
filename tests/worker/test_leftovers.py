"""Pictures that no row refers to."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from shared.blobs import BlobStore, head_key, photo_key, thumbnail_key
from shared.clock import utc_now
from shared.database import Database
from shared.errors import BlobMissingError
from shared.jobs.states import Split
from shared.models import registry
from shared.models.layers import load_layers, store_layers
from shared.photos.intake import prepare
from shared.tables import Example
from tests.factories import add_photo, add_user, add_version, picture
from worker.leftovers import KEPT_FOR, sweep_blobs


def stored(blobs: BlobStore, seed: int) -> str:
    """A picture and its thumbnail in the store, and nowhere else. Returns its digest."""
    prepared = prepare(picture(seed))
    prepared.store(blobs)
    return prepared.digest


def files(blobs: BlobStore) -> list[Path]:
    assert blobs.folder is not None
    return sorted(path for path in blobs.folder.rglob("*") if path.is_file())


def age(blobs: BlobStore) -> None:
    """Let a day pass for all files."""
    moment = (utc_now() - KEPT_FOR).timestamp() - 60
    for path in files(blobs):
        os.utime(path, (moment, moment))


def test_pictures_without_a_row_go_after_a_day_and_no_others(database: Database, blobs: BlobStore) -> None:
    photo = add_photo(database, blobs, add_user(database), seed=1)
    example = stored(blobs, 2)
    with database.write() as session:
        session.add(Example(digest=example, label="hat", split=Split.TRAIN, source="test"))
    stored(blobs, 3)
    blobs.put(head_key("0" * 64), b"a head")
    age(blobs)
    young = stored(blobs, 4)
    assert sweep_blobs(database, blobs) == 2
    for digest in (photo.digest, example, young):
        assert blobs.get(photo_key(digest))
        assert blobs.get(thumbnail_key(digest))
    assert blobs.get(head_key("0" * 64))
    assert len(files(blobs)) == 7


def test_layers_of_a_training_that_made_no_version_go_and_those_of_versions_stay(
    database: Database, blobs: BlobStore
) -> None:
    left, used = (store_layers(blobs, (np.full(3, number, np.float32),)) for number in (1, 2))
    version = add_version(database, blobs)
    with database.write() as session:
        registry.find(session, version.number).layers_digest = used
    age(blobs)
    assert sweep_blobs(database, blobs) == 1
    assert load_layers(blobs, used)
    with pytest.raises(BlobMissingError):
        load_layers(blobs, left)


def test_a_picture_that_is_sent_again_during_a_sweep_stays(blobs: BlobStore) -> None:
    digest = stored(blobs, 1)
    age(blobs)
    before = utc_now() - KEPT_FOR
    stored(blobs, 1)
    assert not blobs.delete_if_before(photo_key(digest), before)
    assert blobs.get(photo_key(digest))


def test_what_a_killed_write_left_goes_after_a_day(database: Database, blobs: BlobStore) -> None:
    assert blobs.folder is not None
    left = blobs.folder / "photos" / "ab" / "abcd.jpg#1"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half")
    assert sweep_blobs(database, blobs) == 0
    age(blobs)
    assert sweep_blobs(database, blobs) == 1
    assert files(blobs) == []
