"""Which photos reviewers see, and what their answers say."""

from __future__ import annotations

from collections.abc import Collection

import pytest
from sqlalchemy import event
from uuid_utils import uuid7

from shared.database import Database
from shared.datasets.labels import NOT_IN_LIST, SEVERAL_ITEMS
from shared.errors import NotFoundError, ValidationError
from shared.jobs import store as jobs
from shared.jobs.states import JobKind, Split
from shared.listings import store as listings
from shared.models import registry
from shared.models.feature_space import FeatureSpace
from shared.photos import predictions
from shared.reviewing import figures, queue, store
from shared.reviewing.store import Stream
from shared.tables import DatasetExample, DatasetVersion, Example, ModelVersion, Photo, Review, User
from tests.factories import CLASSES, add_user


@pytest.fixture
def champion(database: Database) -> ModelVersion:
    """The version whose answers are reviewed."""
    new = registry.NewVersion(
        classes=CLASSES,
        space=FeatureSpace("0" * 64, 71),
        head_digest="1" * 64,
        metrics={},
        lineage={"dataset_digest": "2" * 64},
    )
    with database.write() as session:
        version = registry.add(session, new)
        registry.promote(session, version.number, "Ada", "First.")
        return version


@pytest.fixture
def seller(database: Database) -> User:
    """Whose photos are reviewed."""
    return add_user(database, "Sam")


@pytest.fixture
def reviewers(database: Database) -> list[str]:
    """The ids of two people who review."""
    return [add_user(database, name, "reviewer").id for name in ("Robin", "Kim")]


def answered(
    database: Database, seller: User, ending: str, category: str = "hat", confidence: float = 0.6
) -> str:
    """A photo with an id that ends so, and an answer of the champion for it. Returns the id."""
    photo_id = str(uuid7())[:-2] + ending
    other = next(name for name in CLASSES if name != category)
    top = [
        {"category": category, "probability": confidence},
        {"category": other, "probability": 1 - confidence},
    ]
    with database.write() as session:
        session.add(
            Photo(
                id=photo_id,
                owner_id=seller.id,
                digest=photo_id.replace("-", "") * 2,
                width=9,
                height=9,
                size=9,
                name="a.jpg",
            )
        )
        session.flush()
        answer = {"category": category, "confidence": confidence, "decision": "suggest", "top": top}
        predictions.remember(session, photo_id, 1, "openvino", answer)
    return photo_id


def upcoming(database: Database, reviewer: str, count: int = 1, skipped: Collection[str] = ()) -> list[str]:
    """The next photos of a reviewer."""
    with database.read() as session:
        return queue.upcoming(session, reviewer, skipped, count)


def say(database: Database, reviewer: str, photo_id: str, label: str) -> Review:
    """Review a photo."""
    with database.write() as session:
        return store.answer(session, reviewer, photo_id, 1, label)


def label_of(database: Database, photo_id: str) -> str | None:
    """The label of the example that a photo is."""
    with database.read() as session:
        example = session.get(Example, session.get_one(Photo, photo_id).digest)
        return example.label if example else None


def test_the_photos_the_champion_is_torn_about_come_first(
    database: Database, champion: ModelVersion, seller: User, reviewers: list[str]
) -> None:
    sure, torn, likely = (answered(database, seller, "ff", confidence=share) for share in (0.99, 0.52, 0.8))
    assert upcoming(database, reviewers[0], 4) == [torn, likely, sure]
    assert upcoming(database, reviewers[0], 4, skipped=[torn]) == [likely, sure]


def test_categories_take_turns(
    database: Database, champion: ModelVersion, seller: User, reviewers: list[str]
) -> None:
    hats = [answered(database, seller, "ff", "hat", 0.5) for _ in range(2)]
    dress = answered(database, seller, "ff", "dress", 0.9)
    first = upcoming(database, reviewers[0])[0]
    assert first in hats
    say(database, reviewers[0], first, "hat")
    assert upcoming(database, reviewers[0]) == [dress]


def test_another_photo_of_a_reviewed_listing_waits(
    database: Database, champion: ModelVersion, seller: User, reviewers: list[str]
) -> None:
    front, back = (answered(database, seller, "ff", confidence=share) for share in (0.5, 0.51))
    other = answered(database, seller, "ff", confidence=0.9)
    with database.write() as session:
        listings.create(session, seller.id, "", [front, back])
    say(database, reviewers[0], front, "hat")
    assert upcoming(database, reviewers[0], 2) == [other, back]


def test_what_is_reviewed_or_was_imported_with_a_label_is_not_shown_again(
    database: Database, champion: ModelVersion, seller: User, reviewers: list[str]
) -> None:
    done, imported, left = (answered(database, seller, "ff") for _ in range(3))
    say(database, reviewers[0], done, "hat")
    with database.write() as session:
        digest = session.get_one(Photo, imported).digest
        session.add(Example(digest=digest, label="hat", split=Split.TRAIN, source="import:folder"))
    assert upcoming(database, reviewers[0], 5) == [left]
    assert upcoming(database, reviewers[1], 5) == [left]


def test_photos_kept_for_the_estimate_are_drawn_at_random_and_never_counted_as_useful(
    database: Database, champion: ModelVersion, seller: User, reviewers: list[str]
) -> None:
    drawn = answered(database, seller, "f0", confidence=0.5)
    useful = [answered(database, seller, "ff", confidence=0.9) for _ in range(5)]
    shown = upcoming(database, reviewers[0], 6)
    assert shown[4] == drawn
    assert set(shown[:4] + shown[5:]) == set(useful)
    assert say(database, reviewers[0], drawn, "hat").stream == Stream.SAMPLE
    assert say(database, reviewers[0], useful[0], "hat").stream == Stream.USEFUL


def test_accuracy_counts_only_photos_drawn_at_random_that_show_one_item_of_the_list(
    database: Database, champion: ModelVersion, seller: User, reviewers: list[str]
) -> None:
    for label in ("hat", "hat", "shirt", NOT_IN_LIST, SEVERAL_ITEMS):
        say(database, reviewers[0], answered(database, seller, "f1", "hat"), label)
    for _ in range(3):
        say(database, reviewers[0], answered(database, seller, "ff", "hat"), "shirt")
    with database.read() as session:
        right, outside = figures.accuracy(session, 1), figures.outside_list(session, 1)
    assert (right.right, right.total) == (2, 3)
    assert right.share == pytest.approx(2 / 3)
    assert (outside.right, outside.total) == (2, 5)
    assert right.interval is not None
    assert right.interval[0] < 2 / 3 < right.interval[1]


def test_a_sample_gets_a_second_opinion_from_somebody_else(
    database: Database, champion: ModelVersion, seller: User, reviewers: list[str]
) -> None:
    once, twice = answered(database, seller, "ff"), answered(database, seller, "0f")
    for photo_id in (once, twice):
        say(database, reviewers[0], photo_id, "hat")
    assert upcoming(database, reviewers[0], 3) == []
    assert upcoming(database, reviewers[1], 3) == [twice]
    assert say(database, reviewers[1], twice, "shirt").stream == Stream.SECOND
    with database.read() as session:
        agreed = figures.agreement(session)
    assert (agreed.right, agreed.total) == (0, 1)


def test_agreement_is_between_the_first_two_whose_answers_stand(
    database: Database, champion: ModelVersion, seller: User, reviewers: list[str]
) -> None:
    everybody = [*reviewers, add_user(database, "Toni", "reviewer").id]
    said = (("hat", "hat", "shirt"), ("hat", "shirt", "shirt"), ("shirt", "hat", "hat"), ("hat",))
    for answers in said:
        photo_id = answered(database, seller, "0f")
        for reviewer, label in zip(everybody, answers, strict=False):
            review = say(database, reviewer, photo_id, label)
            if label == "shirt" and reviewer == everybody[0]:
                with database.write() as session:
                    store.undo(session, review.reviewer_id)
    with database.read() as session:
        agreed = figures.agreement(session)
    assert (agreed.right, agreed.total) == (2, 3)


def test_choosing_the_next_photo_reads_of_the_answers_only_what_it_goes_by(
    database: Database, champion: ModelVersion, seller: User, reviewers: list[str]
) -> None:
    expected = [answered(database, seller, "ff"), answered(database, seller, "0f")]
    sent: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *args: sent.append(args[2]), named=False)
    assert sorted(upcoming(database, reviewers[0], 2)) == sorted(expected)
    assert not any("activation_map" in statement for statement in sent)


def test_reviewers_who_disagree_make_no_example_until_a_third_decides(
    database: Database, champion: ModelVersion, seller: User, reviewers: list[str]
) -> None:
    photo_id = answered(database, seller, "0f")
    third = add_user(database, "Toni", "reviewer").id
    say(database, reviewers[0], photo_id, "hat")
    assert label_of(database, photo_id) == "hat"
    say(database, reviewers[1], photo_id, "shirt")
    assert label_of(database, photo_id) is None
    assert upcoming(database, third) == [photo_id]
    say(database, third, photo_id, "shirt")
    assert label_of(database, photo_id) == "shirt"


def test_an_answer_taken_back_leaves_no_trace_in_the_labels(
    database: Database, champion: ModelVersion, seller: User, reviewers: list[str]
) -> None:
    photo_id = answered(database, seller, "ff")
    say(database, reviewers[0], photo_id, "hat")
    with database.write() as session:
        taken = store.undo(session, reviewers[0])
    assert taken is not None
    assert taken.photo_id == photo_id
    assert label_of(database, photo_id) is None
    assert upcoming(database, reviewers[0]) == [photo_id]
    with database.write() as session:
        assert store.undo(session, reviewers[0]) is None


def test_taking_back_restores_what_the_seller_chose(
    database: Database, champion: ModelVersion, seller: User, reviewers: list[str]
) -> None:
    photo_id = answered(database, seller, "ff")
    with database.write() as session:
        listing = listings.create(session, seller.id, "", [photo_id])
        listings.choose(session, listing, seller.id, "dress")
    say(database, reviewers[0], photo_id, "hat")
    with database.read() as session:
        agreed = figures.agreement_with_sellers(session)
    assert (agreed.right, agreed.total) == (0, 1)
    assert label_of(database, photo_id) == "hat"
    with database.write() as session:
        store.undo(session, reviewers[0])
    assert label_of(database, photo_id) == "dress"


def test_a_second_answer_of_the_same_reviewer_replaces_the_first(
    database: Database, champion: ModelVersion, seller: User, reviewers: list[str]
) -> None:
    photo_id = answered(database, seller, "ff")
    say(database, reviewers[0], photo_id, "hat")
    say(database, reviewers[0], photo_id, "shirt")
    assert label_of(database, photo_id) == "shirt"
    with database.read() as session:
        assert figures.agreement(session).total == 0


def test_only_answers_we_have_and_photos_with_an_answer_can_be_reviewed(
    database: Database, champion: ModelVersion, seller: User, reviewers: list[str]
) -> None:
    photo_id = answered(database, seller, "ff")
    with pytest.raises(ValidationError):
        say(database, reviewers[0], photo_id, "boat")
    with database.write() as session, pytest.raises(NotFoundError):
        store.answer(session, reviewers[0], photo_id, 2, "hat")


def test_labels_of_training_photos_are_new_until_a_training_learns_from_them(
    database: Database, champion: ModelVersion
) -> None:
    def new() -> int:
        with database.read() as session:
            return figures.new_labels(session)

    with database.write() as session:
        for digit, split in (("a", Split.TRAIN), ("b", Split.TRAIN), ("c", Split.TEST)):
            session.add(Example(digest=digit * 64, label="hat", split=split, source="review:1"))
    assert new() == 2
    with database.write() as session:  # what the champion learned from
        session.add(DatasetVersion(number=7, digest="2" * 64, classes=CLASSES, counts={}))
        session.flush()
        for digit in ("a", "b"):
            line = {"digest": digit * 64, "label": "hat", "split": Split.TRAIN}
            session.add(DatasetExample(dataset_version=7, **line))
    assert new() == 0
    with database.write() as session:
        session.get_one(Example, "b" * 64).label = "shirt"
    assert new() == 1


def test_labels_are_not_new_while_a_training_on_its_way_will_learn_from_them(
    database: Database, champion: ModelVersion, seller: User
) -> None:
    with database.write() as session:
        session.add(Example(digest="a" * 64, label="hat", split=Split.TRAIN, source="review:1"))
        session.add(DatasetVersion(number=7, digest="7" * 64, classes=CLASSES, counts={}))
        session.flush()
        session.add(DatasetExample(dataset_version=7, digest="a" * 64, label="hat", split=Split.TRAIN))
        payload = {"dataset_version": 7}
        job = jobs.create(session, JobKind.TRAIN, owner_id=seller.id, payload=payload).id
    with database.write() as session:
        assert figures.new_labels(session) == 0
        jobs.request_cancel(session, job)
    with database.read() as session:
        assert figures.new_labels(session) == 1
