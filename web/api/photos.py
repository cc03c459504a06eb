"""Our re-encoded pictures, never the bytes that were sent."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import Response, make_response, request

from shared.blobs import photo_key, thumbnail_key
from shared.photos import store
from shared.tables import Photo
from web.account_data import delete_photo
from web.api.answers import Answers, problems
from web.auth import identity, require
from web.services import services

blueprint = APIBlueprint("photos", __name__, tag="Photos")
# The bytes behind an id never change; "private" keeps them out of shared caches.
FOREVER = "private, max-age=31536000, immutable"
# Should a browser ever be led to show something else than a picture here, it may do nothing.
LOCKED = "default-src 'none'; sandbox"
JPEG: Answers = {200: {"description": "The picture", "content": {"image/jpeg": {}}}}


@blueprint.get("/photos/<photo_id>")
@require("read")
@blueprint.doc(summary="A photo as JPEG", responses={**JPEG, **problems(404)})
def show(photo_id: str) -> Response:
    """The photo in full size."""
    photo = _find(photo_id)
    return picture(photo_key(photo.digest), photo.digest, f"{photo.id}.jpg")


@blueprint.get("/photos/<photo_id>/thumbnail")
@require("read")
@blueprint.doc(summary="A photo's thumbnail as JPEG", responses={**JPEG, **problems(404)})
def thumbnail(photo_id: str) -> Response:
    """The photo at 320 pixels or less."""
    photo = _find(photo_id)
    return picture(thumbnail_key(photo.digest), f"{photo.digest}-thumbnail", f"{photo.id}-thumbnail.jpg")


@blueprint.delete("/photos/<photo_id>")
@require("classify")
@blueprint.output({}, 204, description="Deleted")
@blueprint.doc(
    summary="Delete a photo",
    description="Its pixels, thumbnail, features and predictions are removed, and no later dataset version "
    "has it. Its jobs stay, without picture and answer.",
    responses=problems(404),
)
def delete(photo_id: str) -> Response:
    """Delete a photo for good."""
    delete_photo(services(), photo_id, identity().owner_filter, by=identity().user.name)
    return Response(status=204)


def _find(photo_id: str) -> Photo:
    with services().database.read() as session:
        return store.find(session, photo_id, identity().owner_filter)


def picture(key: str, etag: str, filename: str) -> Response:
    """A stored JPEG, for whom the caller has let in."""
    response = make_response()
    response.set_etag(etag)
    response.headers["Cache-Control"] = FOREVER
    response.headers["Content-Security-Policy"] = LOCKED
    response.headers["Content-Disposition"] = f'inline; filename="{filename}"'
    response.content_type = "image/jpeg"
    if etag not in request.if_none_match:
        response.set_data(services().blobs.get(key))
    response.make_conditional(request)
    return response
