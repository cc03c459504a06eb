"""Importing a folder of labelled photos."""

from __future__ import annotations

import unicodedata
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from shared.blobs import BlobStore, photo_key
from shared.database import Database
from shared.datasets import labels, store
from shared.datasets.csv_import import CsvImport
from shared.datasets.importing import import_folder
from shared.datasets.splits import split_of
from shared.errors import ValidationError
from shared.jobs.states import Split
from shared.listings import store as listings
from shared.photos import deletion
from shared.photos.decoder import Decoder
from shared.photos.intake import prepare
from shared.tables import Example, Photo
from tests.factories import add_listing, add_photo, add_user, picture
from tests.overlapping import overlapping


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


@pytest.mark.parametrize("name", ["x" * 81, "a\x07b", "not-in-list", "several-items"])
def test_a_folder_whose_name_is_no_label_is_refused_before_anything_is_imported(
    database: Database, blobs: BlobStore, folder: Path, name: str
) -> None:
    (folder / "train" / "hat").rename(folder / "train" / name)
    with pytest.raises(ValidationError, match="Rename the folder 'train/"):
        import_folder(database, blobs, folder)
    with database.read() as session:
        assert session.query(Example).count() == 0


def test_one_category_is_one_however_its_characters_are_written(
    database: Database, blobs: BlobStore, folder: Path
) -> None:
    for split in Split:
        (folder / split / "hat").rename(folder / split / unicodedata.normalize("NFD", "Röcke"))
    assert set(import_folder(database, blobs, folder).counts["train"]) == {"Röcke", "shoes"}
    photo = add_photo(database, blobs, add_user(database), seed=99)
    CsvImport(database, blobs, "Ada", None, None).run(f"photo,label\n{photo.id},Röcke\n")
    with database.write() as session:
        assert store.freeze(session).classes == ["Röcke", "shoes"]


def test_hidden_folders_are_no_categories(database: Database, blobs: BlobStore, folder: Path) -> None:
    hidden = folder / "train" / ".ipynb_checkpoints"
    hidden.mkdir()
    (hidden / "0-checkpoint.jpg").write_bytes(picture(99))
    assert set(import_folder(database, blobs, folder).counts["train"]) == {"hat", "shoes"}


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


def made_by_an_import(session: Session, digest: str) -> None:
    labels.ensure(session, digest, "shirt", "import:elsewhere", Split.TRAIN)


def test_a_folder_goes_on_when_a_photo_becomes_an_example_at_the_same_moment(
    database: Database, blobs: BlobStore, folder: Path
) -> None:
    digest = prepare(picture(1)).digest  # train/hat/0.jpg
    _, report = overlapping(
        database,
        lambda session: made_by_an_import(session, digest),
        lambda: import_folder(database, blobs, folder),
    )
    assert (report.imported, report.already_known) == (11, 1)
    assert report.counts["train"] == {"hat": 1, "shirt": 1, "shoes": 2}


def test_a_table_goes_on_when_a_photo_becomes_an_example_at_the_same_moment(
    database: Database, blobs: BlobStore
) -> None:
    user = add_user(database)
    photos = [add_photo(database, blobs, user, seed) for seed in range(2)]
    table = "photo,label,split\n" + "".join(f"{photo.id},hat,train\n" for photo in photos)
    _, report = overlapping(
        database,
        lambda session: made_by_an_import(session, photos[0].digest),
        lambda: CsvImport(database, blobs, "Ada", None, None).run(table),
    )
    assert (report.added, report.relabelled, report.errors) == (1, 1, [])


def test_what_an_import_said_stays_when_a_seller_chooses_at_the_same_moment(
    database: Database, blobs: BlobStore, folder: Path
) -> None:
    import_folder(database, blobs, folder)
    seller = add_user(database)
    photo = add_photo(database, blobs, seller, seed=99)
    listing = add_listing(database, seller, photo)

    def choose() -> None:
        with database.write() as session:
            listings.choose(session, listings.find(session, listing.id, seller.id), seller.id, "hat")

    overlapping(database, lambda session: made_by_an_import(session, photo.digest), choose)
    with database.read() as session:
        assert session.get_one(Example, photo.digest).label == "shirt"


@pytest.fixture
def taken_out(database: Database, blobs: BlobStore, folder: Path) -> Photo:
    """A photo that was learned from and is no example now. Its digest would have it tested with."""
    drawn = (seed for seed in range(100, 200) if split_of(prepare(picture(seed)).digest) is Split.TEST)
    photo = add_photo(database, blobs, add_user(database), next(drawn))
    CsvImport(database, blobs, "Ada", None, None).run(f"photo,label,split\n{photo.id},hat,train\n")
    import_folder(database, blobs, folder)
    with database.write() as session:
        labels.take_out(session, photo.digest)
    return photo


def side(database: Database, photo: Photo) -> Split | None:
    with database.read() as session:
        example = session.get(Example, photo.digest)
        return example.split if example else None


def test_a_photo_that_was_learned_from_comes_back_to_its_side_by_a_choice(
    database: Database, taken_out: Photo
) -> None:
    owner = taken_out.owner_id
    with database.write() as session:
        listing = listings.create(session, owner, "", [taken_out.id])
        listings.choose(session, listing, owner, "shoes")
    assert side(database, taken_out) is Split.TRAIN


def test_a_photo_that_was_learned_from_comes_back_to_its_side_by_a_table(
    database: Database, blobs: BlobStore, taken_out: Photo
) -> None:
    table = CsvImport(database, blobs, "Ada", None, None)
    report = table.run(f"photo,label,split\n{taken_out.id},hat,test\n")
    assert report.errors == [(2, "This photo is on the train side, and a photo never changes sides.")]
    assert side(database, taken_out) is None
    assert table.run(f"photo,label\n{taken_out.id},hat\n").added == 1
    assert side(database, taken_out) is Split.TRAIN


def test_a_photo_that_was_learned_from_comes_back_to_its_side_by_a_folder_which_says_so(
    database: Database, blobs: BlobStore, folder: Path, taken_out: Photo
) -> None:
    seed = int(taken_out.name.removeprefix("photo-").removesuffix(".jpg"))
    (folder / "test" / "hat" / "moved.jpg").write_bytes(picture(seed))
    report = import_folder(database, blobs, folder)
    assert (report.imported, report.other_side) == (1, [("test/hat/moved.jpg", "train")])
    assert side(database, taken_out) is Split.TRAIN
    again = import_folder(database, blobs, folder)
    assert (again.imported, again.other_side) == (0, report.other_side)
