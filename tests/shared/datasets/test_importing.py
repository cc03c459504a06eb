"""Importing a folder of labelled photos."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from shared.blobs import BlobStore, photo_key
from shared.database import Database
from shared.datasets import store
from shared.datasets.csv_import import CsvImport
from shared.datasets.importing import import_folder
from shared.errors import ValidationError
from shared.jobs.states import Split
from shared.photos import deletion
from shared.photos.decoder import Decoder
from shared.tables import Example
from tests.factories import add_photo, add_user, picture


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two categories with two photos in each split, all different."""
    root = tmp_path / "photos"
    seed = 0
    for split in Split:
        for label in ("hat", "shoes"):
            (root / split / label).mkdir(parents=True)
            for number in range(2):
                seed += 1
                (root / split / label / f"{number}.jpg").write_bytes(picture(seed))
    return root


def test_an_import_stores_photos_and_freezes_a_dataset_version(
    database: Database, blobs: BlobStore, folder: Path
) -> None:
    steps: list[tuple[int, int]] = []
    report = import_folder(database, blobs, folder, lambda done, total: steps.append((done, total)))
    assert (report.imported, report.dataset_version) == (12, 1)
    assert report.counts["train"] == {"hat": 2, "shoes": 2}
    assert steps[-1] == (12, 12)
    with database.read() as session:
        lines = store.lines(session, 1, Split.TEST)
    assert [line.label for line in lines].count("hat") == 2
    assert all(blobs.get(photo_key(line.digest)) for line in lines)


def test_importing_the_same_folder_again_changes_nothing(
    database: Database, blobs: BlobStore, folder: Path
) -> None:
    first = import_folder(database, blobs, folder)
    second = import_folder(database, blobs, folder)
    assert (second.imported, second.already_known) == (0, 12)
    assert second.dataset_digest == first.dataset_digest
    assert second.dataset_version == first.dataset_version


def test_duplicates_and_unreadable_files_are_listed_and_do_not_stop_the_import(
    database: Database, blobs: BlobStore, folder: Path
) -> None:
    (folder / "test" / "hat" / "again.jpg").write_bytes((folder / "train" / "hat" / "0.jpg").read_bytes())
    (folder / "train" / "shoes" / "broken.jpg").write_bytes(b"no picture")
    report = import_folder(database, blobs, folder)
    assert report.imported == 12
    assert report.duplicates == [("test/hat/again.jpg", "train/hat/0.jpg")]
    assert [name for name, _ in report.unreadable] == ["train/shoes/broken.jpg"]


def test_more_photos_make_a_new_version_and_leave_the_old_one_alone(
    database: Database, blobs: BlobStore, folder: Path
) -> None:
    import_folder(database, blobs, folder)
    (folder / "train" / "hat" / "new.jpg").write_bytes(picture(99))
    report = import_folder(database, blobs, folder)
    assert report.dataset_version == 2
    with database.read() as session:
        assert len(store.lines(session, 1, Split.TRAIN)) == 4
        assert len(store.lines(session, 2, Split.TRAIN)) == 5


def test_a_folder_without_the_three_splits_is_refused_with_what_is_missing(
    database: Database, blobs: BlobStore, tmp_path: Path
) -> None:
    (tmp_path / "train").mkdir()
    with pytest.raises(ValidationError, match="validation, test"):
        import_folder(database, blobs, tmp_path)


def test_a_category_without_training_photos_is_refused(
    database: Database, blobs: BlobStore, folder: Path
) -> None:
    (folder / "test" / "socks").mkdir()
    (folder / "test" / "socks" / "0.jpg").write_bytes(picture(100))
    with pytest.raises(ValidationError, match="socks"):
        import_folder(database, blobs, folder)


@pytest.mark.parametrize("brought_by", ["folder", "table"])
def test_a_label_that_a_table_gave_a_sellers_photo_stays_when_the_picture_is_brought_along(
    database: Database, blobs: BlobStore, folder: Path, brought_by: str
) -> None:
    photo = add_photo(database, blobs, add_user(database), seed=1)  # the same picture as train/hat/0.jpg
    CsvImport(database, blobs, "Ada", None, None).run(f"photo,label,split\n{photo.id},shirt,train\n")
    if brought_by == "folder":
        import_folder(database, blobs, folder)
    else:
        with closing(Decoder(1)) as decoder:
            table = "photo,label\ntrain/hat/0.jpg,shirt\n"
            assert CsvImport(database, blobs, "Ada", decoder, folder).run(table).unchanged == 1
    with database.write() as session:
        deletion.delete_photo(session, photo.id)
    with database.read() as session:
        example = session.get(Example, photo.digest)
    assert example is not None
    assert (example.label, example.source.partition(":")[0]) == ("shirt", "import")
