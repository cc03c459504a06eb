"""The pages and addresses of data sets, reports and their photos."""

from __future__ import annotations

import io
from typing import Any

import pytest
from flask.testing import FlaskClient

from shared.blobs import BlobStore, photo_key
from shared.database import Database
from shared.datasets import labels, reports
from shared.datasets import store as datasets
from shared.datasets.findings import Finding
from shared.errors import BlobMissingError
from shared.jobs import store
from shared.jobs.states import JobKind, Split
from shared.photos.intake import prepare
from shared.tables import DatasetVersion, DeletedPhoto, Example, User
from tests.factories import add_champion, add_photo, picture
from tests.web.conftest import Api
from tests.web.pages.forms import post_form


@pytest.fixture
def digests(database: Database, blobs: BlobStore) -> list[str]:
    """The photos of a small dataset version."""
    found = []
    with database.write() as session:
        for number, (split, label) in enumerate((s, c) for s in Split for c in ("hat", "shirt")):
            photo = prepare(picture(number))
            photo.store(blobs)
            found.append(photo.digest)
            session.add(Example(digest=photo.digest, label=label, split=split, source="test"))
        datasets.freeze(session)
    return found


def withdraw(database: Database, digest: str) -> None:
    """Somebody deleted this photo; the dataset version goes on listing it."""
    with database.write() as session:
        session.delete(session.get_one(Example, digest))
        session.add(DeletedPhoto(digest=digest))


def test_a_version_shows_counts_and_photos_of_each_category(
    admin_signed_in: FlaskClient, digests: list[str]
) -> None:
    page = admin_signed_in.get("/data/1").text
    assert "6 photos of 2 categories" in page
    assert all(f"/data/photos/{digest}/thumbnail" in page for digest in digests)
    assert admin_signed_in.get(f"/data/photos/{digests[0]}/thumbnail").content_type == "image/jpeg"


def test_photos_nobody_has_looked_at_are_not_called_in_order(
    admin_signed_in: FlaskClient, database: Database
) -> None:
    counts = {split.value: {"hat": 500, "shirt": 500} for split in Split}
    with database.write() as session:
        session.add(DatasetVersion(digest="1" * 64, classes=["hat", "shirt"], counts=counts))
    words = {"/data": "In order", "/data/1": "Nothing to complain about", "/trainings/new": "Nothing to"}
    for path, word in words.items():
        page = admin_signed_in.get(path).text
        assert ("Not looked at yet" in page, word in page) == (True, False)
    with database.write() as session:
        reports.record(session, 1, [], None)
    for path, word in words.items():
        page = admin_signed_in.get(path).text
        assert ("Not compared yet" in page, word in page) == (True, False)
    with database.write() as session:
        reports.record(session, 1, [], "a-space")
    for path, word in words.items():
        page = admin_signed_in.get(path).text
        assert ("Not compared yet" in page, word in page) == (False, True)


def test_photos_are_filtered_by_category_and_side(admin_signed_in: FlaskClient, digests: list[str]) -> None:
    page = admin_signed_in.get("/data/1/photos?label=hat&split=test").text
    assert "1 photo<" in page
    assert [digest for digest in digests if digest in page] == [digests[4]]


def test_a_version_says_which_of_its_photos_were_deleted_since_and_shows_none_of_them(
    admin_signed_in: FlaskClient, database: Database, digests: list[str]
) -> None:
    withdraw(database, digests[0])
    page = admin_signed_in.get("/data/1").text
    assert "1 photo was deleted since" in page
    hats = admin_signed_in.get("/data/1/photos?label=hat").text
    assert "1 photo that was here was deleted since" in hats
    for shown in (page, hats):
        assert digests[0] not in shown
        assert digests[2] in shown


@pytest.mark.usefixtures("digests")
@pytest.mark.parametrize(
    "path", ["/data/1/photos?label=hat&offset=", "/people/audit?cursor=", "/people/audit?cursor=-"]
)
def test_a_number_that_no_database_takes_finds_nothing(admin_signed_in: FlaskClient, path: str) -> None:
    assert admin_signed_in.get(f"{path}{10**30}").status_code == 200


@pytest.mark.parametrize("path", ["/versions/compare?a=-", "/trainings/preview?dataset_version=-"])
def test_a_number_below_all_numbers_is_unknown(
    admin_signed_in: FlaskClient, database: Database, blobs: BlobStore, path: str
) -> None:
    add_champion(database, blobs)
    assert admin_signed_in.get(f"{path}{10**30}").status_code in (404, 422)


def test_a_photo_that_no_dataset_holds_is_not_shown(
    admin_signed_in: FlaskClient, database: Database, blobs: BlobStore, seller: User
) -> None:
    private = add_photo(database, blobs, seller, seed=99)
    assert admin_signed_in.get(f"/data/photos/{private.digest}").status_code == 404


@pytest.mark.usefixtures("digests")
def test_new_examples_are_offered_as_a_version_which_a_worker_then_looks_at(
    admin_signed_in: FlaskClient, database: Database
) -> None:
    with database.write() as session:
        session.add(Example(digest="a" * 64, label="hat", split=Split.TRAIN, source="test"))
    assert "1 example is new, relabelled or gone" in admin_signed_in.get("/data").text
    answer = post_form(admin_signed_in, "/data/versions", {}, page="/data")
    assert answer.location == "/data/2"
    with database.read() as session:
        (job,) = store.page(session, kind=JobKind.REPORT).items
    assert job.payload == {"dataset_version": 2}
    assert "as soon as one is free" in admin_signed_in.get("/data/2").text


@pytest.mark.usefixtures("digests")
def test_from_new_labels_it_is_one_click_to_a_filled_in_form(
    admin_signed_in: FlaskClient, database: Database, blobs: BlobStore
) -> None:
    add_champion(database, blobs)
    with database.write() as session:
        session.add(Example(digest="a" * 64, label="hat", split=Split.TRAIN, source="review:1"))
    home = admin_signed_in.get("/home").text
    assert "3 new labels that no version has learned from: retrain?" in home
    assert '<input type="hidden" name="then" value="train">' in home
    answer = post_form(admin_signed_in, "/data/versions", {"then": "train"}, page="/home")
    assert answer.location == "/trainings/new?dataset=2"
    assert "learned from: retrain?" in admin_signed_in.get("/home").text
    assert '<option value="2" selected>' in admin_signed_in.get(answer.location).text
    assert 'name="then"' not in admin_signed_in.get("/home").text


@pytest.mark.usefixtures("digests")
def test_the_report_names_what_blocks_trainings(
    as_admin: Api, admin_signed_in: FlaskClient, database: Database
) -> None:
    assert as_admin("GET", "/api/v1/datasets/versions/1/report").json["trainable"]
    finding = Finding(name="unreadable", level="blocks", detail="The files of 2 photos are gone.")
    with database.write() as session:
        reports.record(session, 1, [finding], None)
    report = as_admin("GET", "/api/v1/datasets/versions/1/report").json
    assert not report["trainable"]
    assert report["findings"][0] == {**finding.model_dump(), "photos": []}
    page = admin_signed_in.get("/data/1").text
    assert "blocks trainings" in page
    assert "Look at every photo again" in page  # once the files are restored
    refused = as_admin("POST", "/api/v1/trainings", json={"preset": "quick"})
    assert (refused.status_code, refused.json["code"]) == (409, "dataset_blocked")


def test_a_doubtful_label_is_shown_with_what_the_photo_looks_like_and_corrected_at_a_click(
    admin_signed_in: FlaskClient, database: Database, digests: list[str]
) -> None:
    doubtful = {"photos": digests[:1], "likely": ["shirt"]}
    finding = Finding(name="doubtful", level="warns", detail="One photo looks like another.", **doubtful)
    with database.write() as session:
        reports.record(session, 1, [finding], "a-space")
    page = admin_signed_in.get("/data/1").text
    assert "Looks like: Shirt" in page
    assert 'Relabel<span class="unseen"> as Shirt</span>' in page
    form = {"photo": digests[0], "label": "shirt", "next": "/data/1#doubtful"}
    answer = post_form(admin_signed_in, "/data/1/labels", form, page="/data/1")
    assert answer.location == "/data/1#doubtful"
    corrected = admin_signed_in.get("/data/1").text
    assert "Corrected to: Shirt" in corrected
    assert "Relabel<span" not in corrected
    assert "1 example is new, relabelled or gone" in admin_signed_in.get("/data").text


def test_a_photo_that_spoils_the_test_is_taken_out_and_the_next_version_does_without(
    admin_signed_in: FlaskClient, as_admin: Api, database: Database, digests: list[str]
) -> None:
    with database.write() as session:  # one more, so that what is left can be trained on
        session.add(Example(digest="a" * 64, label="hat", split=Split.TEST, source="import:folder"))
        number = datasets.freeze(session).number
        finding = Finding(name="leaked", level="blocks", detail="One test photo.", photos=["a" * 64])
        reports.record(session, number, [finding], "a-space")
    page = f"/data/{number}"
    assert "Take out" in admin_signed_in.get(page).text
    found = as_admin("GET", "/api/v1/overview").json["matters"]
    (blocked,) = [matter for matter in found if matter["code"] == "dataset_blocked"]
    assert blocked["text"] == f"The report on dataset version {number} blocks trainings."
    answer = post_form(admin_signed_in, f"{page}/photos/remove", {"photo": "a" * 64}, page=page)
    assert answer.location == page
    assert "Taken out" in admin_signed_in.get(page).text
    assert "1 example is new, relabelled or gone" in admin_signed_in.get("/data").text
    assert post_form(admin_signed_in, "/data/versions", {}, page="/data").location == "/data/1"


@pytest.mark.usefixtures("digests")
@pytest.mark.parametrize("wrong", [{"photo": "a" * 64, "label": "hat"}, {"label": "boat"}])
def test_only_photos_and_categories_of_the_version_are_corrected(
    admin_signed_in: FlaskClient, digests: list[str], wrong: dict[str, str]
) -> None:
    form = {"photo": digests[0], "label": "hat", **wrong}
    assert post_form(admin_signed_in, "/data/1/labels", form, page="/data/1").status_code == 404


@pytest.mark.usefixtures("digests")
def test_looking_twice_at_a_version_is_one_job(as_admin: Api) -> None:
    jobs = [as_admin("POST", "/api/v1/datasets/versions/1/report").json["job"]["id"] for _ in range(2)]
    assert jobs[0] == jobs[1]


def test_a_table_is_imported_by_the_api_with_an_error_per_line(
    as_admin: Api, digests: list[str], database: Database, blobs: BlobStore, admin: User
) -> None:
    new = add_photo(database, blobs, admin, seed=77)
    table = f"photo,label\n{digests[0]},cap\n{new.id},shirt\n/etc/passwd,hat\n{new.digest},\n"
    answer = as_admin(
        "POST", "/api/v1/datasets/examples", data=table.encode(), headers={"Content-Type": "text/csv"}
    )
    assert (answer.json["added"], answer.json["relabelled"]) == (1, 1)
    assert [error["line"] for error in answer.json["errors"]] == [4, 5]
    with database.read() as session:
        example = session.get(Example, digests[0])
    assert example is not None
    assert (example.label, example.split) == ("cap", Split.TRAIN)


def test_a_label_from_a_table_goes_with_the_photo_it_names(
    as_admin: Api, as_seller: Api, seller: User, database: Database, blobs: BlobStore
) -> None:
    photo = add_photo(database, blobs, seller, seed=78)

    def import_label() -> dict[str, Any]:
        data, headers = f"photo,label\n{photo.digest},shirt\n".encode(), {"Content-Type": "text/csv"}
        return dict(as_admin("POST", "/api/v1/datasets/examples", data=data, headers=headers).json or {})

    assert import_label()["added"] == 1
    with database.write() as session:
        labels.settle(session, photo.digest)
        assert session.get(Example, photo.digest) is not None
    as_seller("DELETE", f"/api/v1/photos/{photo.id}")
    with database.read() as session:
        assert session.get(Example, photo.digest) is None
    with pytest.raises(BlobMissingError):
        blobs.get(photo_key(photo.digest))
    assert [error["line"] for error in import_label()["errors"]] == [2]


def test_a_deleted_photo_is_no_example_again_because_an_old_version_lists_it(
    as_admin: Api, database: Database, digests: list[str]
) -> None:
    withdraw(database, digests[0])
    data, headers = f"photo,label\n{digests[0]},hat\n".encode(), {"Content-Type": "text/csv"}
    answer = as_admin("POST", "/api/v1/datasets/examples", data=data, headers=headers)
    assert (answer.json["added"], [error["line"] for error in answer.json["errors"]]) == (0, [2])


def test_sellers_make_no_examples_of_other_peoples_photos(as_seller: Api) -> None:
    answer = as_seller(
        "POST", "/api/v1/datasets/examples", data=b"photo,label\n", headers={"Content-Type": "text/csv"}
    )
    assert answer.status_code == 403


def test_a_table_of_labels_is_imported_and_each_line_left_out_is_named(
    admin_signed_in: FlaskClient, database: Database, digests: list[str]
) -> None:
    lines = f"photo,label\n{digests[0]},shirt\n{digests[1]},shirt\n{'e' * 64},hat\n<b>,hat\n"
    table = {"table": (io.BytesIO(b"\xef\xbb\xbf" + lines.encode()), "labels.csv")}
    page = post_form(admin_signed_in, "/data/examples", table, page="/data").text
    assert "0 examples added, 1 relabelled, 1 unchanged, 2 lines left out" in page
    assert "Line 4: There is no photo " in page
    assert "Line 5" in page
    assert "<b>" not in page
    with database.read() as session:
        assert session.get_one(Example, digests[0]).label == "shirt"


def test_a_table_that_cannot_be_read_is_refused_whole(admin_signed_in: FlaskClient) -> None:
    for content, sentence in ((b"\xff\xfe", "not in UTF-8"), (b"", "column")):
        table = {"table": (io.BytesIO(content), "labels.csv")}
        answer = post_form(admin_signed_in, "/data/examples", table, page="/data")
        assert (answer.status_code, sentence in answer.text) == (422, True)
    answer = post_form(admin_signed_in, "/data/examples", page="/data")
    assert "You have not chosen a table yet." in answer.text
