"""What programs are told while the photo storage does not answer, and about files that are gone from it."""

from __future__ import annotations

import io
import shutil

from werkzeug.test import TestResponse

from shared.blobs import BlobStore, photo_key
from shared.database import Database
from shared.tables import Photo
from tests.factories import picture
from tests.web.conftest import Api


def upload(api: Api) -> TestResponse:
    data = {"photo": (io.BytesIO(picture(1)), "1.jpg")}
    return api("POST", "/api/v1/classifications", data=data, content_type="multipart/form-data")


def break_storage(blobs: BlobStore) -> None:
    """A folder that cannot be gone into takes the place of the photos."""
    assert blobs.folder is not None
    shutil.rmtree(blobs.folder / "photos", ignore_errors=True)
    (blobs.folder / "photos").symlink_to("photos")


def test_a_photo_that_cannot_be_stored_is_not_accepted(
    as_seller: Api, database: Database, blobs: BlobStore
) -> None:
    break_storage(blobs)
    refused = upload(as_seller)
    assert (refused.status_code, refused.json["code"]) == (503, "storage_unavailable")
    assert int(refused.headers["Retry-After"]) >= 1
    with database.read() as session:
        assert session.query(Photo).count() == 0


def test_a_photo_whose_storage_does_not_answer_can_be_asked_for_again(
    as_seller: Api, blobs: BlobStore
) -> None:
    url = upload(as_seller).json["photo"]["url"]
    break_storage(blobs)
    got = as_seller("GET", url)
    assert (got.status_code, got.json["code"]) == (503, "storage_unavailable")


def test_a_photo_whose_file_is_gone_is_not_found(as_seller: Api, blobs: BlobStore) -> None:
    photo = upload(as_seller).json["photo"]
    blobs.delete(photo_key(photo["sha256"]))
    got = as_seller("GET", photo["url"])
    assert (got.status_code, got.json["code"]) == (404, "blob_missing")
