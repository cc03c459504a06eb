"""What a seller chooses becomes an example, by the written rules of `shared.datasets.labels`."""

from __future__ import annotations

import pytest

from shared.blobs import BlobStore
from shared.database import Database
from shared.datasets.labels import NOT_IN_LIST
from shared.datasets.splits import split_of
from shared.errors import ConflictError, NotFoundError, ValidationError
from shared.jobs.states import Split
from shared.listings import store
from shared.listings.suggestion import suggestions
from shared.tables import Example, Listing, Photo, Review, User
from tests.factories import add_answer, add_champion, add_listing, add_photo, add_user, add_version


@pytest.fixture
def seller(database: Database) -> User:
    """Somebody who sells."""
    return add_user(database)


@pytest.fixture
def photo(database: Database, blobs: BlobStore, seller: User) -> Photo:
    """A photo the champion takes for a hat."""
    found = add_photo(database, blobs, seller)
    add_answer(database, found, add_champion(database, blobs), hat=0.8, shirt=0.2)
    return found


@pytest.fixture
def listing(database: Database, seller: User, photo: Photo) -> Listing:
    """A listing of that photo."""
    return add_listing(database, seller, photo)


def choose(database: Database, listing: Listing, answer: str) -> Listing:
    """Decide on the category."""
    with database.write() as session:
        found = store.find(session, listing.id, listing.owner_id)
        store.choose(session, found, listing.owner_id, answer)
        return found


def example(database: Database, photo: Photo) -> Example | None:
    """The example these pixels are."""
    with database.read() as session:
        return session.get(Example, photo.digest)


def import_as(database: Database, photo: Photo, label: str, split: Split) -> None:
    """Make the photo an imported example."""
    with database.write() as session:
        session.add(Example(digest=photo.digest, label=label, split=split, source="import:folder"))


def test_a_choice_keeps_what_was_suggested_by_which_version(database: Database, listing: Listing) -> None:
    changed = choose(database, listing, "shirt")
    with database.read() as session:
        (choice,) = store.choices(session, [listing.id])[listing.id]
    assert (choice.chosen, choice.suggested, choice.confidence) == ("shirt", "hat", 0.8)
    assert (choice.model_version, choice.actor_id) == (1, listing.owner_id)
    assert (changed.chosen, changed.corrected) == ("shirt", True)


def test_a_suggestion_that_was_kept_is_no_correction(database: Database, listing: Listing) -> None:
    assert not choose(database, listing, "hat").corrected


def test_who_was_asked_to_choose_has_corrected_nothing(
    database: Database, blobs: BlobStore, seller: User
) -> None:
    unsure = add_photo(database, blobs, seller, seed=7)
    add_answer(database, unsure, add_champion(database, blobs), hat=0.5, shirt=0.3, dress=0.2)
    listing = add_listing(database, seller, unsure)
    changed = choose(database, listing, "shirt")
    assert (changed.suggested, changed.corrected) == (None, False)
    with database.read() as session:
        (choice,) = store.choices(session, [listing.id])[listing.id]
    assert choice.suggested == "hat"  # what stood first is kept


def test_the_chosen_category_becomes_an_example(database: Database, listing: Listing, photo: Photo) -> None:
    choose(database, listing, "shirt")
    found = example(database, photo)
    assert found is not None
    assert (found.label, found.source) == ("shirt", f"listing:{listing.id}")
    assert found.split is split_of(photo.digest)


def test_a_correction_replaces_the_label_and_the_history_stays(
    database: Database, listing: Listing, photo: Photo
) -> None:
    choose(database, listing, "shirt")
    choose(database, listing, "dress")
    found = example(database, photo)
    with database.read() as session:
        history = [choice.chosen for choice in store.choices(session, [listing.id])[listing.id]]
    assert found is not None
    assert found.label == "dress"
    assert history == ["dress", "shirt"]


def test_an_answer_that_is_no_category_makes_no_example_and_takes_one_back(
    database: Database, listing: Listing, photo: Photo
) -> None:
    choose(database, listing, "shirt")
    choose(database, listing, NOT_IN_LIST)
    assert example(database, photo) is None


def test_an_imported_photo_keeps_its_label_and_its_side(
    database: Database, listing: Listing, photo: Photo
) -> None:
    import_as(database, photo, "dress", Split.TEST)
    choose(database, listing, "shirt")
    found = example(database, photo)
    assert found is not None
    assert (found.label, found.split, found.source) == ("dress", Split.TEST, "import:folder")


def test_what_reviewers_say_counts_more_than_the_seller(
    database: Database, listing: Listing, photo: Photo
) -> None:
    reviewer = add_user(database, "Robin", "reviewer")
    with database.write() as session:
        session.add(
            Review(
                photo_id=photo.id,
                reviewer_id=reviewer.id,
                stream="useful",
                label="dress",
                suggested="hat",
                model_version=1,
            )
        )
    choose(database, listing, "shirt")
    found = example(database, photo)
    assert found is not None
    assert found.label == "dress"


def test_a_removed_listing_takes_its_labels_back(database: Database, listing: Listing, photo: Photo) -> None:
    choose(database, listing, "shirt")
    with database.write() as session:
        store.remove(session, store.find(session, listing.id))
    assert example(database, photo) is None
    with database.read() as session, pytest.raises(NotFoundError):
        store.find(session, listing.id)


def test_a_photo_added_after_the_choice_becomes_an_example_and_one_taken_out_is_none(
    database: Database, blobs: BlobStore, seller: User, listing: Listing
) -> None:
    choose(database, listing, "shirt")
    later = add_photo(database, blobs, seller, 1)
    with database.write() as session:
        store.add_photo(session, store.find(session, listing.id), later)
    assert example(database, later) is not None
    with database.write() as session:
        store.remove_photo(session, store.find(session, listing.id), later.id)
    assert example(database, later) is None


def test_only_categories_and_the_other_answers_can_be_chosen(database: Database, listing: Listing) -> None:
    with pytest.raises(ValidationError, match="dress, hat, shirt, not-in-list, several-items"):
        choose(database, listing, "spaceship")


def test_a_listing_without_photos_has_nothing_to_choose_for(database: Database, photo: Photo) -> None:
    with database.write() as session:
        empty = store.create(session, photo.owner_id)
    with pytest.raises(ValidationError, match="Add a photo first"):
        choose(database, empty, "shirt")


def test_a_listing_takes_thirty_photos(database: Database, blobs: BlobStore, seller: User) -> None:
    photos = [add_photo(database, blobs, seller, seed) for seed in range(store.MAX_PHOTOS + 1)]
    full = add_listing(database, seller, *photos[:-1])
    with pytest.raises(ValidationError, match="at most 30 photos"), database.write() as session:
        store.add_photo(session, full, photos[-1])
    with database.write() as session:
        store.add_photo(session, full, photos[0])


def test_photos_of_a_listing_are_pooled_and_those_that_differ_are_named(
    database: Database, blobs: BlobStore, seller: User
) -> None:
    version = add_champion(database, blobs)
    photos = [add_photo(database, blobs, seller, seed) for seed in range(3)]
    for photo, answer in zip(photos, ({"hat": 0.9}, {"hat": 0.7}, {"dress": 0.9}), strict=True):
        add_answer(database, photo, version, **answer)
    listing = add_listing(database, seller, *photos)
    with database.read() as session:
        suggestion = suggestions(session, [listing.id])[listing.id]
    assert suggestion.answer.category == "hat"
    assert suggestion.answer.decision == "ask"
    assert suggestion.differing == {photos[2].id: "dress"}
    assert (suggestion.photo_count, suggestion.model_version) == (3, version.number)


def test_what_versions_answered_that_never_served_is_not_suggested(
    database: Database, blobs: BlobStore, seller: User
) -> None:
    champion, other = add_champion(database, blobs), add_version(database, blobs, seed=1)
    photo = add_photo(database, blobs, seller)
    add_answer(database, photo, other, dress=1.0)
    listing = add_listing(database, seller, photo)
    with database.read() as session:
        assert suggestions(session, [listing.id]) == {}
    add_answer(database, photo, champion, hat=1.0)
    with database.read() as session:
        assert suggestions(session, [listing.id])[listing.id].answer.category == "hat"


def test_choices_stay_as_rows_so_there_are_only_so_many(
    database: Database, listing: Listing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "MAX_CHOICES", 2)
    for category in ("shirt", "hat"):
        choose(database, listing, category)
    with pytest.raises(ConflictError, match="chosen 2 times"):
        choose(database, listing, "shirt")
