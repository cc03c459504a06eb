"""The sell page: a listing begun with a plain form, a problem per bad file, one card per photo."""

from __future__ import annotations

from apiflask import APIFlask
from flask.testing import FlaskClient

from shared.blobs import BlobStore
from shared.database import Database
from shared.jobs import store
from shared.jobs.states import JobKind
from shared.listings import store as listings
from shared.tables import Job, Listing, User
from tests.factories import add_champion, add_job, add_listing, add_photo, add_user, picture
from tests.web.pages.forms import files, post_form
from web.request_sizes import MAX_BYTES
from web.services import EXTENSION

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


def listed(database: Database, owner: User, job: Job) -> Listing:
    """A listing with the photo of a job."""
    with database.write() as session:
        return listings.create(session, owner.id, "", [job.photo_id or ""])


def test_all_good_files_of_a_form_make_a_listing_and_the_bad_ones_are_explained(
    signed_in: FlaskClient, database: Database, seller: User
) -> None:
    sent = files((picture(1), "a.jpg"), (b"not a photo", "b.txt"), (picture(2), "c.jpg"), (b"", "d.jpg"))
    answer = post_form(signed_in, "/sell", {**sent, "title": "Two hats"})
    with database.read() as session:
        jobs = store.page(session, owner_id=seller.id).items
        (listing,) = listings.page(session, owner_id=seller.id).items
        shown = listings.photos(session, [listing.id])[listing.id]
    page = signed_in.get(answer.location).text
    assert (answer.status_code, answer.location) == (303, f"/listings/{listing.id}")
    assert listing.title == "Two hats"
    assert len(jobs) == 2
    assert [photo.name for photo in shown] == ["a.jpg", "c.jpg"]
    assert "b.txt: Hangtag takes JPEG, PNG and WebP photos." in page
    assert "d.jpg: The file is empty." in page


def test_a_form_without_a_file_says_what_to_do_and_begins_nothing(
    signed_in: FlaskClient, database: Database
) -> None:
    post_form(signed_in, "/sell", {"title": "Hat"})
    assert "You have not chosen a photo yet." in signed_in.get("/sell").text
    with database.read() as session:
        assert listings.page(session).items == []


def test_more_photos_and_another_title_go_into_the_same_listing(
    signed_in: FlaskClient, database: Database, blobs: BlobStore, seller: User
) -> None:
    listing = add_listing(database, seller, add_photo(database, blobs, seller), title="Hat")
    answer = post_form(
        signed_in, f"/listings/{listing.id}", {**files((picture(3), "back.jpg")), "title": "Straw hat"}
    )
    page = signed_in.get(answer.location).text
    assert answer.location == f"/listings/{listing.id}"
    assert "<h1>Straw hat</h1>" in page
    assert "back.jpg" in page
    assert "photo-0.jpg" in page


def test_an_answer_is_shown_as_a_tag_with_its_confidence_in_words(
    signed_in: FlaskClient, database: Database, blobs: BlobStore, seller: User
) -> None:
    page = signed_in.get(f"/sell/cards/{classified(database, blobs, seller).id}").text
    assert 'class="tag sure"' in page
    assert '<span class="tag-title">T-shirt</span>' in page
    assert "Sure" in page
    assert "94 %" in page


def test_an_unsure_answer_asks_the_seller_and_names_no_category_on_the_tag(
    signed_in: FlaskClient, database: Database, blobs: BlobStore, seller: User
) -> None:
    job = classified(database, blobs, seller, confidence=0.4, decision="ask")
    page = signed_in.get(f"/sell/cards/{job.id}").text
    assert '<span class="tag-title">Please choose</span>' in page
    assert '<span class="tag-title">T-shirt</span>' not in page


def test_a_listing_refreshes_itself_without_scripts_only_while_something_is_unfinished(
    signed_in: FlaskClient, database: Database, blobs: BlobStore, seller: User
) -> None:
    refresh = '<noscript><meta http-equiv="refresh"'
    listing = listed(database, seller, classified(database, blobs, seller))
    assert refresh not in signed_in.get(f"/listings/{listing.id}").text
    photo = add_photo(database, blobs, seller, 1)
    add_job(database, owner_id=seller.id, photo_id=photo.id)
    with database.write() as session:
        listings.add_photo(session, listing, photo)
    assert refresh in signed_in.get(f"/listings/{listing.id}").text


def test_problems_stay_on_the_page_until_they_were_read(signed_in: FlaskClient) -> None:
    answer = post_form(signed_in, "/sell", files((picture(1), "a.jpg"), (b"x", "b.jpg")))
    page = signed_in.get(answer.location).text
    assert "b.jpg: " in page
    assert 'http-equiv="refresh"' not in page


def test_a_photo_that_was_tried_again_has_one_card(
    signed_in: FlaskClient, database: Database, blobs: BlobStore, seller: User
) -> None:
    photo = add_photo(database, blobs, seller)
    first = add_job(database, owner_id=seller.id, photo_id=photo.id)
    listing = add_listing(database, seller, photo)
    with database.write() as session:
        store.request_cancel(session, first.id)
        again = store.retry(session, first.id)
    page = signed_in.get(f"/listings/{listing.id}").text
    assert f'data-job="{again.id}"' in page
    assert f'data-job="{first.id}"' not in page


def test_the_last_listings_without_a_category_are_a_tap_away(
    signed_in: FlaskClient, database: Database, blobs: BlobStore, seller: User
) -> None:
    made = [add_listing(database, seller, title=f"Item {number}") for number in range(5)]
    page = signed_in.get("/sell").text
    assert f'href="/listings/{made[4].id}"' in page
    assert f'href="/listings/{made[0].id}"' not in page


def test_nobody_sees_the_card_of_somebody_elses_photo(
    signed_in: FlaskClient, database: Database, blobs: BlobStore
) -> None:
    job = classified(database, blobs, add_user(database, "Kim"))
    assert signed_in.get(f"/sell/cards/{job.id}", headers={"Accept": "text/html"}).status_code == 404


def test_the_page_says_so_while_no_version_answers(
    signed_in: FlaskClient, database: Database, blobs: BlobStore
) -> None:
    assert "Suggestions are paused." in signed_in.get("/sell").text
    add_champion(database, blobs)
    assert "Suggestions are paused." not in signed_in.get("/sell").text


def test_a_form_larger_than_most_takes_the_place_of_a_batch(
    app: APIFlask, signed_in: FlaskClient, seller: User
) -> None:
    app.extensions[EXTENSION].large_requests.take(seller.id)
    body = b"x" * (MAX_BYTES + 1)
    for path in ("/sell", "/listings/any"):
        refused = signed_in.post(path, data=body, content_type="multipart/form-data; boundary=b")
        assert refused.status_code == 429
        assert "large upload of yours" in refused.text
    assert signed_in.post("/sell", data={}).status_code == 403  # a usual one is read: it has no token
