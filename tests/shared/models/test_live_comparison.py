"""What two versions said about the same photos of sellers, and which photos count."""

from __future__ import annotations

from dataclasses import astuple
from datetime import timedelta

import pytest

from shared.blobs import BlobStore
from shared.clock import utc_now
from shared.database import Database
from shared.datasets.labels import NOT_IN_LIST
from shared.errors import ConflictError, NotFoundError
from shared.jobs.states import Split
from shared.models import aliases
from shared.models.live_comparison import Difference, LiveComparison, compare_live
from shared.reviewing.store import Stream
from shared.tables import Example, ModelVersion, Photo, Review, User
from tests.factories import add_answer, add_champion, add_photo, add_user, add_version


class Scene:
    """A champion, a shadow, and photos that both answer."""

    def __init__(self, database: Database, blobs: BlobStore) -> None:
        self.database, self.blobs = database, blobs
        self.versions = [add_champion(database, blobs), add_version(database, blobs, seed=1)]
        self.seller: User = add_user(database)
        self._seeds = iter(range(100))

    def photo(self) -> Photo:
        """One that nobody has answered."""
        return add_photo(self.database, self.blobs, self.seller, next(self._seeds))

    def answered(self, *said: str) -> Photo:
        """A photo about which version 1, 2, ... said this."""
        photo = self.photo()
        for version, category in zip(self.versions, said, strict=False):
            add_answer(self.database, photo, version, **{category: 0.9})
        return photo

    def reviewed(self, photo: Photo, label: str, stream: Stream) -> None:
        """What a reviewer says, without what follows from it."""
        with self.database.write() as session:
            session.add(
                Review(
                    photo_id=photo.id,
                    reviewer_id=self.seller.id,
                    stream=stream,
                    label=label,
                    suggested="hat",
                    model_version=1,
                )
            )

    def example(self, photo: Photo, label: str, age: timedelta = timedelta()) -> None:
        """The photo as an example, made this long ago."""
        with self.database.write() as session:
            session.add(
                Example(
                    digest=photo.digest,
                    label=label,
                    split=Split.TRAIN,
                    source="seller",
                    created_at=utc_now() - age,
                )
            )

    def compared(self) -> LiveComparison:
        """Version 2 beside version 1."""
        with self.database.read() as session:
            return compare_live(session, 1, 2)


@pytest.fixture
def scene(database: Database, blobs: BlobStore) -> Scene:
    return Scene(database, blobs)


def test_only_what_both_answered_is_counted_and_differences_lead_with_the_most_frequent(
    scene: Scene,
) -> None:
    for said in (("hat", "hat"), ("hat", "shirt"), ("hat", "shirt"), ("dress", "hat"), ("hat",)):
        scene.answered(*said)
    found = scene.compared()
    assert (found.count, found.same) == (4, 1)
    assert found.differences == [Difference("hat", "shirt", 2), Difference("dress", "hat", 1)]
    assert (found.sampled, found.labelled) == (None, None)


def test_labels_tell_who_was_right_and_random_reviews_stand_apart(scene: Scene) -> None:
    fixed, broken = scene.answered("hat", "shirt"), scene.answered("hat", "shirt")
    both, neither = scene.answered("hat", "hat"), scene.answered("hat", "hat")
    for photo, label in ((fixed, "shirt"), (broken, "hat"), (both, "hat"), (neither, "dress")):
        scene.example(photo, label)
    scene.reviewed(fixed, "shirt", Stream.SAMPLE)
    scene.reviewed(broken, "hat", Stream.USEFUL)  # shown because it was unsure: no fair estimate
    scene.reviewed(both, NOT_IN_LIST, Stream.SAMPLE)
    found = scene.compared()
    assert found.labelled is not None
    assert astuple(found.labelled) == (4, 1, 1, 1, 1)
    assert found.sampled is not None
    assert (found.sampled.count, found.sampled.fixed) == (1, 1)


def test_a_photo_that_was_an_example_before_counts_for_neither(scene: Scene) -> None:
    scene.example(scene.answered("hat", "shirt"), "shirt", age=timedelta(days=1))
    assert scene.compared().count == 0


def test_a_photo_from_before_a_version_was_made_counts_for_neither(scene: Scene) -> None:
    photo = scene.answered("hat", "shirt")
    with scene.database.write() as session:
        version = session.get(ModelVersion, 2)
        assert version
        version.created_at = photo.created_at + timedelta(seconds=1)
    assert scene.compared().count == 0


def test_a_version_that_sees_photos_otherwise_cannot_be_a_shadow_but_may_have_other_names(
    scene: Scene,
) -> None:
    number = add_version(scene.database, scene.blobs, image_size=150).number
    with scene.database.write() as session:
        aliases.point(session, "candidate", number, "Ada", "The next one.")
    with pytest.raises(ConflictError, match="sees photos otherwise"), scene.database.write() as session:
        aliases.point(session, "shadow", number, "Ada", "To watch it.")


def test_where_nobody_answers_sellers_nobody_answers_beside_them(
    database: Database, blobs: BlobStore
) -> None:
    number = add_version(database, blobs).number
    with pytest.raises(ConflictError, match="Promote one"), database.write() as session:
        aliases.point(session, "shadow", number, "Ada", "To watch it.")


def test_an_unknown_version_is_not_compared(scene: Scene) -> None:
    with pytest.raises(NotFoundError), scene.database.read() as session:
        compare_live(session, 1, 9)
