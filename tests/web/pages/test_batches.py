"""The bulk pages and "Your data", without JavaScript."""

from __future__ import annotations

import io
import re
import zipfile

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from shared.blobs import BlobStore
from shared.database import Database
from shared.jobs import store
from shared.jobs.states import JobKind
from shared.tables import User
from tests.archives import archive
from tests.factories import add_job, add_listing, add_photo, add_user, picture
from tests.web.conftest import sign_in
from tests.web.pages.forms import csrf_token


def send(browser: FlaskClient, field: str = "photo", **files: bytes) -> str:
    """Send files with the form; the address it leads to."""
    parts = [(io.BytesIO(data), name.replace("_", ".")) for name, data in files.items()]
    data = {"csrf_token": csrf_token(browser, "/batches"), field: parts}
    response = browser.post("/batches", data=data, content_type="multipart/form-data")
    assert response.status_code == 303
    return response.headers["Location"]


def test_photos_from_the_form_become_a_batch_with_a_row_each(signed_in: FlaskClient) -> None:
    page = signed_in.get(send(signed_in, a_jpg=picture(1), b_jpg=b"no picture")).text
    assert "2 photos" in page
    assert "a.jpg" in page
    assert "1 on the way, 1 without an answer" in page
    assert "Hangtag takes JPEG, PNG and WebP photos." in page


def test_a_zip_from_the_form_becomes_a_batch(signed_in: FlaskClient) -> None:
    data = archive({"red/IMG_1.jpg": picture(1), "blue/IMG_1.jpg": picture(2)})
    page = signed_in.get(send(signed_in, "archive", photos_zip=data)).text
    assert "red/IMG_1.jpg" in page
    assert "blue/IMG_1.jpg" in page
    assert "2 on the way" in page


def test_the_list_of_jobs_tells_photos_of_a_batch_with_the_same_name_apart(
    signed_in: FlaskClient, admin_signed_in: FlaskClient
) -> None:
    data = archive({"summer/red/IMG_1.jpg": picture(1), "summer/blue/IMG_1.jpg": picture(2)})
    send(signed_in, "archive", photos_zip=data)
    for browser in (signed_in, admin_signed_in):
        page = browser.get("/jobs").text
        assert sorted(re.findall(r">IMG_1\.jpg(?:</small>)?<small>(\w+)", page)) == ["blue", "red"]
        newest = re.search(r"/jobs/[0-9a-f-]{32,36}", page)
        assert newest
        assert re.search(r"<dd>summer/(red|blue)/IMG_1\.jpg</dd>", browser.get(newest[0]).text)


def test_an_unsafe_zip_is_explained_where_it_was_sent(signed_in: FlaskClient) -> None:
    address = send(signed_in, "archive", photos_zip=archive({"../a.jpg": picture(1)}))
    assert address == "/batches"
    assert "points out of the archive" in signed_in.get(address).text


def test_answers_appear_in_words_and_in_the_files(signed_in: FlaskClient, database: Database) -> None:
    address = send(signed_in, a_jpg=picture(1))
    with database.write() as session:
        (job,) = store.claim(session, JobKind.CLASSIFY, "w", 1)
        result = {"category": "hat", "confidence": 0.93, "decision": "suggest", "top": []}
        store.succeed(session, job.id, job.attempt, result)
    page = signed_in.get(address).text
    assert "Hat" in page
    assert "Sure" in page
    assert "a.jpg,succeeded,hat,0.93" in signed_in.get(f"{address}/results.csv").text
    assert '"category": "hat"' in signed_in.get(f"{address}/results.jsonl").text


def test_an_unsure_answer_asks_for_nothing_that_the_list_does_not_offer(
    signed_in: FlaskClient, database: Database
) -> None:
    address = send(signed_in, a_jpg=picture(1))
    with database.write() as session:
        (job,) = store.claim(session, JobKind.CLASSIFY, "w", 1)
        result = {"category": "hat", "confidence": 0.41, "decision": "ask", "top": []}
        store.succeed(session, job.id, job.attempt, result)
    page = signed_in.get(address).text
    assert "Not sure 41" in page
    assert "Please choose" not in page


def test_somebody_elses_batch_is_no_page(signed_in: FlaskClient, database: Database, app: object) -> None:
    address = send(signed_in, a_jpg=picture(1))
    eve = sign_in(signed_in.application.test_client(), database, add_user(database, "Eve"))
    for path in (address, f"{address}/results.csv", f"{address}/results.jsonl"):
        assert eve.get(path).status_code == 404


def test_a_batch_without_a_token_is_refused(signed_in: FlaskClient) -> None:
    data = {"photo": (io.BytesIO(picture(1)), "a.jpg")}
    response = signed_in.post("/batches", data=data, content_type="multipart/form-data")
    assert response.status_code == 403


def test_everything_can_be_saved_and_deleted_from_your_data(signed_in: FlaskClient) -> None:
    send(signed_in, a_jpg=picture(1), b_jpg=picture(2))
    assert "2 photos" in signed_in.get("/your-data").text
    saved = signed_in.get("/your-data/export").data
    with zipfile.ZipFile(io.BytesIO(saved)) as found:
        assert sum(name.startswith("photos/") for name in found.namelist()) == 2
    form = {"csrf_token": csrf_token(signed_in, "/your-data")}
    page = signed_in.post("/your-data/delete", data=form, follow_redirects=True).text
    assert "2 photos and everything about them were deleted." in page
    assert "Hangtag keeps no photo of yours" in page


def press_delete(browser: FlaskClient, page: str) -> TestResponse:
    """Send the form that deletes the photo of a job's page."""
    form = re.search(r'action="(/photos/[^"]+/delete)">(.*?)</form>', browser.get(page).text, re.DOTALL)
    assert form is not None
    action, fields = form.groups()
    data = dict(re.findall(r'name="(\w+)" value="([^"]*)"', fields))
    return browser.post(action, data=data)


def test_deleting_a_photo_names_the_listings_that_show_it_and_leads_back_to_the_list(
    signed_in: FlaskClient, database: Database, blobs: BlobStore, seller: User
) -> None:
    photo = add_photo(database, blobs, seller)
    job = add_job(database, owner_id=seller.id, photo_id=photo.id)
    add_listing(database, seller, photo, title="Skirt")
    here = f"/jobs/{job.id}"
    assert "It is also taken out of the listing “Skirt”. Nobody can" in signed_in.get(here).text
    for title in ("Red skirt", "", "Blue skirt"):
        add_listing(database, seller, photo, title=title)
    every = "It is also taken out of the listings “Skirt”, “Red skirt”, “Untitled listing” and 1 more."
    assert every in signed_in.get(here).text
    assert press_delete(signed_in, here).location == "/jobs"


def test_one_photo_can_be_deleted_from_its_job(signed_in: FlaskClient, database: Database) -> None:
    address = send(signed_in, a_jpg=picture(1))
    with database.read() as session:
        (job,) = store.page(session).items
    (here,) = re.findall(rf'href="(/jobs/{job.id}[^"]*)"', signed_in.get(address).text)
    page = signed_in.get(here).text
    assert "Delete the photo" in page
    assert "taken out of" not in page
    response = press_delete(signed_in, here)
    assert (response.status_code, response.location) == (303, address)
    page = signed_in.get(f"/jobs/{job.id}").text
    assert "Its photo was deleted." in page
    assert "Try again" not in page
    assert "You deleted this photo." in signed_in.get(address).text
