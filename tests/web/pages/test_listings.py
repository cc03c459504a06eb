"""Listings as pages: choose, change, search, filter, export, remove, all with plain forms."""

from __future__ import annotations

import csv
import io
import json
import re

import pytest
from flask.testing import FlaskClient

from shared.blobs import BlobStore
from shared.database import Database
from shared.listings import store
from shared.tables import Listing, ModelVersion, User
from tests.factories import add_answer, add_answered_job, add_champion, add_listing, add_photo, add_user
from tests.web.pages.forms import post_form

OPTION = re.compile(r'<button class="option" name="category" value="([^"]+)" aria-pressed="(\w+)"')


@pytest.fixture
def champion(database: Database, blobs: BlobStore) -> ModelVersion:
    """The version that answers."""
    return add_champion(database, blobs)


@pytest.fixture
def hat(database: Database, blobs: BlobStore, seller: User, champion: ModelVersion) -> Listing:
    """A listing of one photo that is surely a hat."""
    photo = add_photo(database, blobs, seller)
    add_answer(database, photo, champion, hat=0.95, shirt=0.05)
    return add_listing(database, seller, photo, title="Straw hat")


def chosen(database: Database, listing: Listing) -> str | None:
    """What was chosen for a listing."""
    with database.read() as session:
        return store.find(session, listing.id).chosen


def test_a_suggestion_is_kept_with_one_tap(signed_in: FlaskClient, database: Database, hat: Listing) -> None:
    path = f"/listings/{hat.id}"
    before = signed_in.get(path).text
    assert "Keep Hat" in before
    assert OPTION.findall(before) == [
        ("shirt", "false"),
        ("dress", "false"),
        ("not-in-list", "false"),
        ("several-items", "false"),
    ]
    answer = post_form(signed_in, f"{path}/category", {"category": "hat"}, page=path)
    after = signed_in.get(path).text
    assert (answer.status_code, answer.location) == (303, path)
    assert chosen(database, hat) == "hat"
    assert "Your choice" in after
    assert ("hat", "true") in OPTION.findall(after)
    assert "Hat, sure" in after


def test_a_choice_can_be_changed_and_the_page_tells_the_history(
    signed_in: FlaskClient, database: Database, hat: Listing
) -> None:
    path = f"/listings/{hat.id}"
    for category in ("shirt", "not-in-list"):
        post_form(signed_in, f"{path}/category", {"category": category}, page=path)
    history = re.findall(r'scope="row">([^<]+)</th>', signed_in.get(path).text)
    assert chosen(database, hat) == "not-in-list"
    assert history == ["Not in this list", "Shirt"]


def test_an_unsure_suggestion_is_not_offered_to_keep(
    signed_in: FlaskClient, database: Database, blobs: BlobStore, seller: User, champion: ModelVersion
) -> None:
    photo = add_photo(database, blobs, seller)
    add_answer(database, photo, champion, hat=0.5, shirt=0.3, dress=0.2)
    page = signed_in.get(f"/listings/{add_listing(database, seller, photo).id}").text
    assert "Please choose" in page
    assert "Keep Hat" not in page
    assert [value for value, _ in OPTION.findall(page)][:3] == ["hat", "shirt", "dress"]


def test_photos_that_look_like_something_else_are_named_until_the_seller_has_chosen(
    signed_in: FlaskClient, database: Database, blobs: BlobStore, seller: User, champion: ModelVersion
) -> None:
    photos = [add_photo(database, blobs, seller, seed) for seed in range(4)]
    for photo in photos[:3]:
        add_answer(database, photo, champion, hat=0.98, shirt=0.02)
    add_answer(database, photos[3], champion, dress=0.9, hat=0.1)
    path = f"/listings/{add_listing(database, seller, *photos).id}"
    assert "1 of 4 photos looks more like Dress." in signed_in.get(path).text
    for chosen in ("dress", "hat"):
        post_form(signed_in, f"{path}/category", {"category": chosen}, page=path)
        assert "more like" not in signed_in.get(path).text


def test_photos_that_look_like_different_things_are_told_so_where_nothing_is_suggested(
    signed_in: FlaskClient, database: Database, blobs: BlobStore, seller: User, champion: ModelVersion
) -> None:
    photos = [add_photo(database, blobs, seller, seed) for seed in range(3)]
    add_answer(database, photos[0], champion, hat=0.9, shirt=0.1)
    add_answer(database, photos[1], champion, dress=0.8, shirt=0.2)
    add_answer(database, photos[2], champion, shirt=0.7, dress=0.3)
    page = signed_in.get(f"/listings/{add_listing(database, seller, *photos).id}").text
    assert "The photos look like different things: Dress, Shirt and Hat." in page
    assert "more like" not in page


def test_a_listing_whose_photos_are_gone_shows_its_choice_quietly_and_says_what_to_do(
    signed_in: FlaskClient, hat: Listing
) -> None:
    path = f"/listings/{hat.id}"
    post_form(signed_in, f"{path}/category", {"category": "hat"}, page=path)
    page = signed_in.get(path).text
    assert 'class="tag sure"' in page
    assert "Begin the next listing" in page
    (removal,) = re.findall(r'action="(/listings/[^"]+/photos/[^"]+/remove)"', page)
    post_form(signed_in, removal, {}, page=path)
    page = signed_in.get(path).text
    assert "This listing has no photos any more. Add some, or remove the listing." in page
    assert "Begin the next listing" not in page
    for shown in (page, signed_in.get("/listings").text):
        assert ">Hat</span>" in shown
        assert 'class="tag sure"' not in shown


def test_why_many_photos_were_answered_so_comes_after_the_choice_and_shows_the_first_few(
    signed_in: FlaskClient, database: Database, blobs: BlobStore, seller: User, champion: ModelVersion
) -> None:
    photos = [add_photo(database, blobs, seller, seed) for seed in range(6)]
    for photo in photos:
        add_answered_job(database, photo, champion, hat=0.9, shirt=0.1)
    page = signed_in.get(f"/listings/{add_listing(database, seller, *photos).id}").text
    choice, why, further = (page.index(f'id="{name}"') for name in ("choice", "why", "why-further"))
    assert choice < why < further
    assert "2 more photos</summary>" in page
    assert [page.count("<figure", *part) for part in ((0, why), (why, further), (further,))] == [0, 4, 2]


def test_a_form_with_a_category_we_do_not_have_is_explained(
    signed_in: FlaskClient, database: Database, hat: Listing
) -> None:
    path = f"/listings/{hat.id}"
    answer = post_form(signed_in, f"{path}/category", {"category": "boat"}, page=path)
    assert answer.status_code == 422
    assert chosen(database, hat) is None


def test_a_photo_is_taken_out_and_the_listing_removed(
    signed_in: FlaskClient, database: Database, hat: Listing
) -> None:
    path = f"/listings/{hat.id}"
    with database.read() as session:
        (photo,) = store.photos(session, [hat.id])[hat.id]
    post_form(signed_in, f"{path}/photos/{photo.id}/remove", page=path)
    assert "photo-0.jpg" not in signed_in.get(path).text
    answer = post_form(signed_in, f"{path}/remove", page=path)
    assert "“Straw hat” is removed." in signed_in.get(answer.location).text
    assert signed_in.get(path, headers={"Accept": "text/html"}).status_code == 404


def test_listings_are_kept_right_in_the_list(
    signed_in: FlaskClient, database: Database, hat: Listing
) -> None:
    back = "/listings?choice=needed"
    answer = post_form(
        signed_in, f"/listings/{hat.id}/category", {"category": "hat", "next": back}, page=back
    )
    assert answer.location == back
    assert chosen(database, hat) == "hat"
    assert "No listing matches." in signed_in.get(back).text


def test_search_and_filter_are_in_the_address(
    signed_in: FlaskClient, database: Database, seller: User, hat: Listing
) -> None:
    add_listing(database, seller, title="Dress <b>")
    assert "Straw hat" in signed_in.get("/listings?search=STRAW").text
    page = signed_in.get("/listings?search=dress&choice=needed").text
    assert "Dress &lt;b&gt;" in page
    assert "Straw hat" not in page
    assert signed_in.get("/listings?choice=odd", headers={"Accept": "text/html"}).status_code == 404


def test_older_listings_are_a_link_away(signed_in: FlaskClient, database: Database, seller: User) -> None:
    made = [add_listing(database, seller, title=f"Item {number}") for number in range(25)]
    first = signed_in.get("/listings?search=item").text
    link = f"/listings?cursor={made[1].id}&amp;search=item"
    assert link in first
    older = signed_in.get(link.replace("&amp;", "&")).text
    assert "Item 0" in older
    assert "Item 24" not in older


def test_somebody_elses_listings_are_not_there(signed_in: FlaskClient, database: Database) -> None:
    theirs = add_listing(database, add_user(database, "Kim"), title="Kim's coat")
    assert "coat" not in signed_in.get("/listings").text
    assert "coat" not in signed_in.get("/listings/export/csv").text
    headers = {"Accept": "text/html"}
    assert signed_in.get(f"/listings/{theirs.id}", headers=headers).status_code == 404
    for path in ("category", "remove", f"photos/{theirs.id}/remove"):
        answer = post_form(signed_in, f"/listings/{theirs.id}/{path}", {"category": "hat"})
        assert answer.status_code == 404


def test_an_export_holds_what_was_suggested_and_chosen(
    signed_in: FlaskClient, hat: Listing, database: Database, seller: User
) -> None:
    path = f"/listings/{hat.id}"
    post_form(signed_in, f"{path}/category", {"category": "shirt"}, page=path)
    add_listing(database, seller, title="Dress")
    lines = [json.loads(line) for line in signed_in.get("/listings/export/jsonl").text.splitlines()]
    assert [line["title"] for line in lines] == ["Dress", "Straw hat"]
    assert lines[1]["category"] == "shirt"
    assert lines[1]["suggested"] == "hat"
    assert lines[1]["corrected"] is True
    assert lines[1]["photos"] == 1
    only = signed_in.get("/listings/export/jsonl?choice=chosen").text.splitlines()
    assert len(only) == 1


def test_no_title_becomes_a_formula_in_a_spreadsheet(
    signed_in: FlaskClient, database: Database, seller: User
) -> None:
    for title in ("=1+1", "@SUM(A1)", "-2", "+3", "plain, with comma"):
        add_listing(database, seller, title=title)
    answer = signed_in.get("/listings/export/csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["title"] for row in rows] == ["plain, with comma", "'+3", "'-2", "'@SUM(A1)", "'=1+1"]
    assert answer.headers["Content-Disposition"] == 'attachment; filename="listings.csv"'


def test_more_listings_than_one_read_holds_are_exported_whole(
    signed_in: FlaskClient, database: Database, seller: User
) -> None:
    with database.write() as session:
        session.add_all(Listing(owner_id=seller.id, title=f"Item {number}") for number in range(401))
    assert len(signed_in.get("/listings/export/jsonl").text.splitlines()) == 401
