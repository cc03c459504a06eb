"""The review page: answer, undo and skip with plain forms; nothing tells whose photo it is."""

from __future__ import annotations

import re

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import update

from shared.blobs import BlobStore
from shared.database import Database
from shared.datasets import store as datasets
from shared.jobs.states import Split
from shared.models import registry
from shared.tables import Example, ModelVersion, Photo, Prediction, Review, User
from tests.factories import add_answer, add_champion, add_photo, add_user
from tests.web.conftest import sign_in
from tests.web.pages.forms import post_form

SHOWN = re.compile(r'name="photo" value="([^"]+)"')


@pytest.fixture
def champion(database: Database, blobs: BlobStore) -> ModelVersion:
    """The version whose answers are reviewed."""
    return add_champion(database, blobs)


@pytest.fixture
def photos(database: Database, blobs: BlobStore, seller: User, champion: ModelVersion) -> list[Photo]:
    """Photos of the seller's that the champion has answered."""
    found = [add_photo(database, blobs, seller, seed) for seed in range(3)]
    for photo in found:
        add_answer(database, photo, champion, hat=0.6, shirt=0.4)
    return found


@pytest.fixture
def reviewer(app: APIFlask, database: Database) -> FlaskClient:
    """A reviewer's browser."""
    return sign_in(app.test_client(), database, add_user(database, "Robin", "reviewer"))


def shown(client: FlaskClient, path: str = "/review") -> str | None:
    """The id of the photo on the page."""
    found = SHOWN.search(client.get(path).text)
    return found.group(1) if found else None


def answer(client: FlaskClient, photo_id: str, label: str) -> str:
    """Review a photo. Returns where that leads."""
    fields = {"photo": photo_id, "version": "1", "label": label}
    return post_form(client, "/review", fields, page="/review").location


def test_an_answer_leads_to_the_next_photo_and_undo_back_to_the_last(
    reviewer: FlaskClient, database: Database, photos: list[Photo]
) -> None:
    first = shown(reviewer) or ""
    assert answer(reviewer, first, "shirt") == "/review"
    page = reviewer.get("/review").text
    assert "Your answer: Shirt." in page
    assert SHOWN.search(page).group(1) != first  # type: ignore[union-attr]
    back = post_form(reviewer, "/review/undo", page="/review")
    assert back.location == f"/review?photo={first}"
    assert "Taken back: Shirt." in reviewer.get(back.location).text
    assert shown(reviewer, back.location) == first
    with database.read() as session:
        (review,) = session.query(Review).all()
    assert (review.label, review.suggested) == ("shirt", "hat")
    assert review.undone_at is not None


def test_a_skipped_photo_comes_later(reviewer: FlaskClient, photos: list[Photo]) -> None:
    first = shown(reviewer)
    path = f"/review?skip={first}"
    assert f'href="{path}"' in reviewer.get("/review").text
    assert shown(reviewer, path) not in (first, None)
    rest = "".join(f"&skip={photo.id}" for photo in photos)
    assert "Show the skipped ones again" in reviewer.get(path + rest).text


def test_when_all_is_reviewed_the_page_says_so(reviewer: FlaskClient, photos: list[Photo]) -> None:
    for _ in photos:
        answer(reviewer, shown(reviewer) or "", "hat")
    assert "Every photo has been reviewed." in reviewer.get("/review").text


def test_nothing_tells_whose_photo_it_is_or_what_was_suggested(
    reviewer: FlaskClient, photos: list[Photo], seller: User
) -> None:
    page = reviewer.get("/review").text
    assert seller.name not in page
    assert seller.id not in page
    assert photos[0].name not in page
    labels = re.findall(r'name="label" value="([^"]+)"', page)
    assert labels == ["dress", "hat", "shirt", "not-in-list", "several-items"]


def test_reviewers_see_the_photo_itself(reviewer: FlaskClient, photos: list[Photo]) -> None:
    picture = reviewer.get(f"/review/photos/{photos[0].id}")
    assert (picture.status_code, picture.mimetype) == (200, "image/jpeg")


def test_new_labels_are_counted_and_an_administrator_is_led_to_a_training(
    reviewer: FlaskClient, admin_signed_in: FlaskClient, photos: list[Photo]
) -> None:
    answer(reviewer, shown(reviewer) or "", "hat")
    assert "1 new label that no version has learned from." in reviewer.get("/review").text
    assert "Retrain with them" not in reviewer.get("/review").text
    assert "Retrain with them</button>" in admin_signed_in.get("/review").text


def test_what_the_version_answered_and_why_is_told_after_ones_own_answer(
    reviewer: FlaskClient, photos: list[Photo]
) -> None:
    first = shown(reviewer) or ""
    path = f"/review/photos/{first}/answer"
    assert reviewer.get(path).status_code == 404
    answer(reviewer, first, "shirt")
    assert f'href="{path}"' in reviewer.get("/review").text
    page = reviewer.get(path).text
    assert "You: Shirt. Version 1: Hat." in page
    assert "What speaks for Hat is mostly in the upper middle." in page
    assert f"/review/photos/{first}" in page
    assert all(photo.name not in page for photo in photos)
    assert "None are kept for this answer" in page
    post_form(reviewer, "/review/undo", page="/review")
    assert reviewer.get(path).status_code == 404


def test_after_ones_answer_the_nearest_training_photos_are_shown_with_their_labels(
    reviewer: FlaskClient, database: Database, photos: list[Photo], champion: ModelVersion
) -> None:
    sides = {"a": ("hat", Split.TRAIN), "b": ("shirt", Split.TEST), "c": ("hat", Split.VALIDATION)}
    with database.write() as session:
        for letter, (label, split) in {**sides, "d": ("shirt", Split.TRAIN)}.items():
            session.add(Example(digest=letter * 64, label=label, split=split, source="test"))
        session.flush()
        version = registry.find(session, champion.number)
        version.lineage = {**version.lineage, "dataset_digest": datasets.freeze(session).digest}
        session.execute(update(Prediction).values(nearest=[["d" * 64, 0.91], ["a" * 64, 0.87]]))
    first = shown(reviewer) or ""
    assert "d" * 64 not in reviewer.get("/review").text
    answer(reviewer, first, "shirt")
    page = reviewer.get(f"/review/photos/{first}/answer").text
    assert page.index("A training photo of: Shirt") < page.index("A training photo of: Hat")
    assert "Likeness 0.91" in page


def test_sellers_review_nothing(signed_in: FlaskClient, photos: list[Photo]) -> None:
    headers = {"Accept": "text/html"}
    assert signed_in.get("/review", headers=headers).status_code == 403
    assert signed_in.get(f"/review/photos/{photos[0].id}", headers=headers).status_code == 403
    fields = {"photo": photos[0].id, "version": "1", "label": "hat"}
    assert post_form(signed_in, "/review", fields).status_code == 403
    assert 'href="/review"' not in signed_in.get("/sell").text


def test_without_a_version_there_is_nothing_to_review(reviewer: FlaskClient) -> None:
    assert "No version answers sellers yet" in reviewer.get("/review").text


@pytest.mark.parametrize("fields", [{"label": "boat"}, {"version": "x"}, {"version": "9" * 30}])
def test_a_broken_form_is_explained(
    reviewer: FlaskClient, photos: list[Photo], fields: dict[str, str]
) -> None:
    sent = {"photo": photos[0].id, "version": "1", "label": "hat", **fields}
    assert post_form(reviewer, "/review", sent, page="/review").status_code == 422
