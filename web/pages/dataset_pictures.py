"""Photos of dataset versions, which belong to nobody: by their digest, for those who judge versions."""

from __future__ import annotations

from flask import Response

from shared.blobs import photo_key, thumbnail_key
from shared.datasets import store
from shared.errors import BlobMissingError, NotFoundError
from web.auth import page_login_required
from web.pages import blueprint
from web.pictures import picture
from web.services import services


@blueprint.get("/data/photos/<digest>")
@page_login_required("reviewer")
def dataset_photo(digest: str) -> Response:
    """A photo of a dataset version in full size."""
    return _picture(digest, photo_key(digest), digest)


@blueprint.get("/data/photos/<digest>/thumbnail")
@page_login_required("reviewer")
def dataset_thumbnail(digest: str) -> Response:
    """A photo of a dataset version at 320 pixels or less."""
    return _picture(digest, thumbnail_key(digest), f"{digest}-thumbnail")


def _picture(digest: str, key: str, etag: str) -> Response:
    """The picture, if it is in a dataset: what sellers have not given to learn from is not shown here.

    Raises:
        NotFoundError: no dataset holds it, or its file was deleted.
    """
    with services().database.read() as session:
        known = store.holds(session, digest)
    if not known:
        raise NotFoundError("No dataset holds this photo.")
    try:
        return picture(key, etag, f"{etag}.jpg")
    except BlobMissingError as error:
        raise NotFoundError("The file of this photo is gone.") from error
