"""The sell page: many photos through a plain form, one card each, a problem per bad file."""

from __future__ import annotations

from flask.testing import FlaskClient

from shared.blobs import BlobStore
from shared.database import Database
from shared.jobs import store
from shared.jobs.states import JobKind
from shared.tables import Job, User
from tests.factories import add_champion, add_job, add_photo, add_user, picture
from tests.web.pages.forms import files, post_form

ANSWER = {
    "category": "t-shirt",
    "confidence": 0.94,
    "decision": "suggest",
    "top": [{"category": "t-shirt", "probability": 0.94}, {"category": "shirt", "probability": 0.04}],
    "model_version": 1,
}


def classified(database: Database, blobs: BlobStore, owner: User, **changes: object) -> Job:
    """A photo of theirs that was answered."""
    photo = add_photo(database, blobs, owner)
    job = add_job(database, owner_id=owner.id, photo_id=photo.id)
    with database.write() as session:
        store.claim(session, JobKind.CLASSIFY, "w", 1, job.id)
    with database.write() as session:
        store.succeed(session, job.id, 1, {**ANSWER, "photo_id": photo.id, **changes})
    return job


def test_all_good_files_of_a_form_are_queued_and_the_bad_ones_are_explained(
    signed_in: FlaskClient, database: Database, seller: User
) -> None:
    sent = files((picture(1), "a.jpg"), (b"not a photo", "b.txt"), (picture(2), "c.jpg"), (b"", "d.jpg"))
    answer = post_form(signed_in, "/sell", sent)
    page = signed_in.get("/sell").text
    with database.read() as session:
        jobs = store.page(session, owner_id=seller.id).items
    assert (answer.status_code, answer.location) == (303, "/sell")
    assert len(jobs) == 2
    assert "b.txt: Hangtag takes JPEG, PNG and WebP photos." in page
    assert "d.jpg: The file is empty." in page


def test_a_form_without_a_file_says_what_to_do(signed_in: FlaskClient) -> None:
    post_form(signed_in, "/sell")
    assert "You have not chosen a photo yet." in signed_in.get("/sell").text


def test_an_answer_is_shown_as_a_tag_with_its_confidence_in_words(
    signed_in: FlaskClient, database: Database, blobs: BlobStore, seller: User
) -> None:
    classified(database, blobs, seller)
    page = signed_in.get("/sell").text
    assert 'class="tag sure"' in page
    assert '<span class="tag-title">T-shirt</span>' in page
    assert "Sure" in page
    assert "94 %" in page


def test_an_unsure_answer_asks_the_seller_and_names_no_category_on_the_tag(
    signed_in: FlaskClient, database: Database, blobs: BlobStore, seller: User
) -> None:
    classified(database, blobs, seller, confidence=0.4, decision="ask")
    page = signed_in.get("/sell").text
    assert '<span class="tag-title">Please choose</span>' in page
    assert '<span class="tag-title">T-shirt</span>' not in page


def test_the_page_refreshes_itself_without_scripts_only_while_something_is_unfinished(
    signed_in: FlaskClient, database: Database, blobs: BlobStore, seller: User
) -> None:
    refresh = '<noscript><meta http-equiv="refresh"'
    classified(database, blobs, seller)
    assert refresh not in signed_in.get("/sell").text
    add_job(database, owner_id=seller.id, photo_id=add_photo(database, blobs, seller, 1).id)
    assert refresh in signed_in.get("/sell").text


def test_problems_stay_on_the_page_until_they_were_read(signed_in: FlaskClient) -> None:
    post_form(signed_in, "/sell", files((picture(1), "a.jpg"), (b"x", "b.jpg")))
    page = signed_in.get("/sell").text
    assert "b.jpg: " in page
    assert 'http-equiv="refresh"' not in page


def test_a_photo_that_was_tried_again_has_one_card(
    signed_in: FlaskClient, database: Database, blobs: BlobStore, seller: User
) -> None:
    photo = add_photo(database, blobs, seller)
    first = add_job(database, owner_id=seller.id, photo_id=photo.id)
    with database.write() as session:
        store.request_cancel(session, first.id)
        again = store.retry(session, first.id)
    page = signed_in.get("/sell").text
    assert f'data-job="{again.id}"' in page
    assert f'data-job="{first.id}"' not in page


def test_older_photos_are_a_link_away(
    signed_in: FlaskClient, database: Database, blobs: BlobStore, seller: User
) -> None:
    photos = [add_photo(database, blobs, seller, seed) for seed in range(25)]
    jobs = [add_job(database, owner_id=seller.id, photo_id=photo.id) for photo in photos]
    first = signed_in.get("/sell").text
    assert f"/sell?cursor={jobs[1].id}" in first
    older = signed_in.get(f"/sell?cursor={jobs[1].id}").text
    assert f'data-job="{jobs[0].id}"' in older
    assert f'data-job="{jobs[1].id}"' not in older


def test_nobody_sees_the_card_of_somebody_elses_photo(
    signed_in: FlaskClient, database: Database, blobs: BlobStore
) -> None:
    job = classified(database, blobs, add_user(database, "Kim"))
    assert signed_in.get(f"/sell/cards/{job.id}", headers={"Accept": "text/html"}).status_code == 404


def test_the_page_says_so_while_no_version_answers(
    signed_in: FlaskClient, database: Database, blobs: BlobStore
) -> None:
    assert "Answers are paused." in signed_in.get("/sell").text
    add_champion(database, blobs)
    assert "Answers are paused." not in signed_in.get("/sell").text
