"""Listings through the API: begin, fill, find, choose, remove."""

from __future__ import annotations

import io
import json
import zipfile

import pytest

from shared.blobs import BlobStore
from shared.database import Database
from shared.tables import Example, Listing, Photo, User
from tests.factories import add_answer, add_champion, add_key, add_listing, add_photo, add_user, picture
from tests.web.conftest import Api


@pytest.fixture
def photo(database: Database, blobs: BlobStore, seller: User) -> Photo:
    """A photo the champion takes for a hat."""
    found = add_photo(database, blobs, seller)
    add_answer(database, found, add_champion(database, blobs), hat=0.8, shirt=0.2)
    return found


def test_a_listing_is_begun_filled_and_decided(as_seller: Api, photo: Photo) -> None:
    made = as_seller("POST", "/api/v1/listings", json={"title": " Straw  hat ", "photo_ids": [photo.id]})
    seen = as_seller("GET", made.headers["Location"])
    assert made.status_code == 201
    assert seen.json == made.json
    assert seen.json["title"] == "Straw hat"
    assert seen.json["suggestion"]["category"] == "hat"
    assert [entry["category"] for entry in seen.json["suggestion"]["top"]] == ["hat", "shirt", "dress"]
    headers = {"If-Match": seen.headers["ETag"]}
    path = f"/api/v1/listings/{made.json['id']}/category"
    chosen = as_seller("PUT", path, json={"category": "shirt"}, headers=headers)
    assert chosen.status_code == 200
    assert (chosen.json["category"], chosen.json["corrected"]) == ("shirt", True)
    (choice,) = chosen.json["choices"]
    assert (choice["suggested"], choice["model_version"], choice["chosen_by"]) == ("hat", 1, "Sam")


def test_a_title_may_spell_out_a_nul_and_may_not_hold_one(as_seller: Api) -> None:
    spelled = r"Scarf \u0000"
    assert as_seller("POST", "/api/v1/listings", json={"title": spelled}).json["title"] == spelled
    bodies = ({"title": "a\0b"}, {"photo_ids": ["a\0b"]}, {"a\0b": 1}, {"title": {"text": ["\0"]}})
    for body in bodies:
        refused = as_seller("POST", "/api/v1/listings", json=body)
        assert (refused.status_code, refused.json["code"]) == (400, "invalid_json")
        assert "NUL" in refused.json["detail"]


def test_nobody_decides_on_what_they_have_not_seen(as_seller: Api, photo: Photo, seller: User) -> None:
    made = as_seller("POST", "/api/v1/listings", json={"photo_ids": [photo.id]})
    path = f"/api/v1/listings/{made.json['id']}/category"
    decision = {"category": "hat"}
    without = as_seller("PUT", path, json=decision)
    assert (without.status_code, without.json["code"]) == (428, "precondition_required")
    etag = made.headers["ETag"]
    assert as_seller("PUT", path, json=decision, headers={"If-Match": etag}).status_code == 200
    again = as_seller("PUT", path, json={"category": "dress"}, headers={"If-Match": etag})
    assert (again.status_code, again.json["code"]) == (412, "precondition_failed")
    wild = as_seller("PUT", path, json={"category": "dress"}, headers={"If-Match": "*"})
    assert wild.status_code == 200


def test_what_cannot_be_chosen_is_refused_with_what_can(as_seller: Api, photo: Photo) -> None:
    made = as_seller("POST", "/api/v1/listings", json={"photo_ids": [photo.id]})
    path, headers = f"/api/v1/listings/{made.json['id']}/category", {"If-Match": "*"}
    refused = as_seller("PUT", path, json={"category": "boat"}, headers=headers)
    assert (refused.status_code, refused.json["code"]) == (422, "validation_error")
    assert "dress, hat, shirt, not-in-list, several-items" in refused.json["detail"]


def test_a_photo_is_sent_straight_into_a_listing(as_seller: Api) -> None:
    made = as_seller("POST", "/api/v1/listings", json={})
    form = {"photo": (io.BytesIO(picture(5)), "front.jpg"), "listing_id": made.json["id"]}
    sent = as_seller("POST", "/api/v1/classifications", data=form)
    seen = as_seller("GET", made.headers["Location"])
    assert sent.status_code == 202
    assert [photo["id"] for photo in seen.json["photos"]] == [sent.json["photo"]["id"]]


def test_photos_sent_side_by_side_keep_the_order_they_were_given(as_seller: Api) -> None:
    listing = as_seller("POST", "/api/v1/listings", json={}).json["id"]
    for seed in (3, 1, 2):
        form = {"photo": (io.BytesIO(picture(seed)), f"{seed}.jpg"), "listing_id": listing, "position": seed}
        assert as_seller("POST", "/api/v1/classifications", data=form).status_code == 202
    last = {"photo": (io.BytesIO(picture(4)), "4.jpg"), "listing_id": listing}
    as_seller("POST", "/api/v1/classifications", data=last)
    assert names(as_seller, listing) == ["1.jpg", "2.jpg", "3.jpg", "4.jpg"]


def names(api: Api, listing: str) -> list[str]:
    """The names of a listing's photos, in order."""
    return [photo["name"] for photo in api("GET", f"/api/v1/listings/{listing}").json["photos"]]


@pytest.mark.parametrize("position", ["0", "-1", "first", "1.5", "1000001", "9" * 400, "\u0662"])
def test_a_position_that_is_none_is_refused(as_seller: Api, position: str) -> None:
    listing = as_seller("POST", "/api/v1/listings", json={}).json["id"]
    form = {"photo": (io.BytesIO(picture(5)), "front.jpg"), "listing_id": listing, "position": position}
    refused = as_seller("POST", "/api/v1/classifications", data=form)
    assert refused.status_code == 422
    assert "whole number from 1 to 1,000,000" in refused.json["detail"]


def test_a_position_needs_a_listing(as_seller: Api) -> None:
    form = {"photo": (io.BytesIO(picture(5)), "front.jpg"), "position": "1"}
    refused = as_seller("POST", "/api/v1/classifications", data=form)
    assert (refused.status_code, "listing_id" in refused.json["detail"]) == (422, True)


def test_the_same_key_with_another_position_is_another_request(as_seller: Api) -> None:
    listing = as_seller("POST", "/api/v1/listings", json={}).json["id"]

    def send(position: int) -> int:
        form = {"photo": (io.BytesIO(picture(5)), "a.jpg"), "listing_id": listing, "position": position}
        headers = {"Idempotency-Key": "k-1"}
        return as_seller("POST", "/api/v1/classifications", data=form, headers=headers).status_code

    assert [send(1), send(1), send(2)] == [202, 202, 422]


def test_another_photo_becomes_the_cover(
    as_seller: Api, database: Database, blobs: BlobStore, seller: User
) -> None:
    photos = [add_photo(database, blobs, seller, seed=seed).id for seed in (1, 2, 3)]
    path = as_seller("POST", "/api/v1/listings", json={"photo_ids": photos}).headers["Location"]
    for chosen, order in ((photos[2], [2, 0, 1]), (photos[1], [1, 2, 0]), (photos[1], [1, 2, 0])):
        seen = as_seller("PUT", f"{path}/cover", json={"photo_id": chosen})
        assert [photo["id"] for photo in seen.json["photos"]] == [photos[place] for place in order]
    unknown = as_seller("PUT", f"{path}/cover", json={"photo_id": "unknown"})
    assert (unknown.status_code, unknown.json["detail"]) == (404, "This photo is not in the listing.")


def test_a_photo_for_a_listing_that_is_not_mine_is_refused_whole(as_seller: Api, database: Database) -> None:
    theirs = add_listing(database, add_user(database, "Kim"))
    form = {"photo": (io.BytesIO(picture(5)), "front.jpg"), "listing_id": theirs.id}
    assert as_seller("POST", "/api/v1/classifications", data=form).status_code == 404
    assert as_seller("GET", "/api/v1/jobs").json["jobs"] == []


def test_somebody_elses_listing_is_not_there(as_seller: Api, database: Database, blobs: BlobStore) -> None:
    kim = add_user(database, "Kim")
    path = f"/api/v1/listings/{add_listing(database, kim, add_photo(database, blobs, kim)).id}"
    decision = {"json": {"category": "hat"}, "headers": {"If-Match": "*"}}
    assert as_seller("GET", path).status_code == 404
    assert as_seller("PATCH", path, json={"title": "mine"}).status_code == 404
    assert as_seller("PUT", f"{path}/category", **decision).status_code == 404
    assert as_seller("DELETE", path).status_code == 404
    assert as_seller("GET", "/api/v1/listings").json["listings"] == []


def test_somebody_elses_photo_does_not_come_into_my_listing(
    as_seller: Api, database: Database, blobs: BlobStore
) -> None:
    theirs = add_photo(database, blobs, add_user(database, "Kim"))
    assert as_seller("POST", "/api/v1/listings", json={"photo_ids": [theirs.id]}).status_code == 404
    assert as_seller("GET", "/api/v1/listings").json["listings"] == []


def test_a_key_that_may_only_read_changes_nothing(as_seller: Api, database: Database, seller: User) -> None:
    reader = Api(as_seller.client, add_key(database, seller, "read"))
    assert reader("POST", "/api/v1/listings", json={}).status_code == 403


def test_listings_are_searched_filtered_and_paged(
    as_seller: Api, database: Database, seller: User, photo: Photo
) -> None:
    titles = ["Straw hat", "HAT, green", "Dress", "100 % wool", "1000 woollen"]
    made = {title: add_listing(database, seller, photo, title=title) for title in titles}
    for title, category in (("Dress", "dress"), ("Straw hat", "hat")):
        path = f"/api/v1/listings/{made[title].id}/category"
        as_seller("PUT", path, json={"category": category}, headers={"If-Match": "*"})

    def found(query: str) -> list[str]:
        body = as_seller("GET", f"/api/v1/listings?{query}").json
        return [listing["title"] for listing in body["listings"]]

    assert found("search=hat") == ["HAT, green", "Straw hat"]
    assert found("search=100%20%25") == ["100 % wool"]
    assert found("choice=chosen") == ["Dress", "Straw hat"]
    assert found("choice=corrected") == ["Dress"]
    assert found("choice=needed&search=wool") == ["1000 woollen", "100 % wool"]
    first = as_seller("GET", "/api/v1/listings?limit=2&search=w")
    assert first.headers["Link"].endswith('rel="next"')
    assert found(f"limit=2&search=w&cursor={first.json['next_cursor']}") == ["Straw hat"]


@pytest.mark.parametrize("search", ["Tücher", "TÜCHER", "tücher"])
def test_a_search_in_any_case_knows_other_letters_than_those_of_english(
    as_seller: Api, database: Database, seller: User, photo: Photo, search: str
) -> None:
    for title in ("Tücher", "TÜCHER", "Tuch"):
        add_listing(database, seller, photo, title=title)
    found = as_seller("GET", f"/api/v1/listings?search={search}").json["listings"]
    assert [listing["title"] for listing in found] == ["TÜCHER", "Tücher"]


def test_the_same_key_begins_one_listing(as_seller: Api) -> None:
    headers = {"Idempotency-Key": "k-1"}
    first, again = (
        as_seller("POST", "/api/v1/listings", json={"title": "Hat"}, headers=headers) for _ in range(2)
    )
    other = as_seller("POST", "/api/v1/listings", json={"title": "Cap"}, headers=headers)
    assert first.json["id"] == again.json["id"]
    assert again.headers["Idempotency-Replayed"] == "true"
    assert other.status_code == 422


def test_a_listing_is_renamed_thinned_out_and_removed(as_seller: Api, photo: Photo) -> None:
    made = as_seller("POST", "/api/v1/listings", json={"photo_ids": [photo.id]})
    path = made.headers["Location"]
    assert as_seller("PATCH", path, json={"title": "Cap"}).json["title"] == "Cap"
    assert as_seller("PATCH", path, json={"title": "x" * 121}).status_code == 422
    assert as_seller("DELETE", f"{path}/photos/{photo.id}").status_code == 204
    assert as_seller("DELETE", f"{path}/photos/{photo.id}").status_code == 404
    assert as_seller("GET", path).json["photos"] == []
    assert as_seller("DELETE", path).status_code == 204
    assert as_seller("GET", path).status_code == 404
    assert as_seller("GET", f"/api/v1/photos/{photo.id}").status_code == 200


def test_polling_an_unchanged_listing_costs_nothing(as_seller: Api, photo: Photo) -> None:
    made = as_seller("POST", "/api/v1/listings", json={"photo_ids": [photo.id]})
    seen = as_seller("GET", made.headers["Location"], headers={"If-None-Match": made.headers["ETag"]})
    assert seen.status_code == 304


def test_listings_are_among_what_a_person_can_take_along_and_delete(
    as_seller: Api, photo: Photo, database: Database
) -> None:
    made = as_seller("POST", "/api/v1/listings", json={"title": "Hat", "photo_ids": [photo.id]})
    path = made.headers["Location"]
    as_seller("PUT", f"{path}/category", json={"category": "shirt"}, headers={"If-Match": "*"})
    with zipfile.ZipFile(io.BytesIO(as_seller("GET", "/api/v1/account/data").data)) as archive:
        (line,) = map(json.loads, archive.read("listings.jsonl").splitlines())
    assert (line["title"], line["category"], line["photos"]) == ("Hat", "shirt", [photo.id])
    assert [choice["suggested"] for choice in line["choices"]] == ["hat"]
    assert as_seller("DELETE", "/api/v1/account/data").status_code == 200
    assert as_seller("GET", path).status_code == 404
    with database.read() as session:
        assert session.query(Listing).all() == []
        assert session.get(Example, photo.digest) is None


def test_a_deleted_photo_leaves_its_listing(as_seller: Api, photo: Photo) -> None:
    made = as_seller("POST", "/api/v1/listings", json={"photo_ids": [photo.id]})
    as_seller("DELETE", f"/api/v1/photos/{photo.id}")
    seen = as_seller("GET", made.headers["Location"]).json
    assert (seen["photos"], seen["suggestion"]) == ([], None)
