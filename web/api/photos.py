"""Our re-encoded pictures, never the bytes that were sent."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import Response

from shared.blobs import photo_key, thumbnail_key
from shared.photos import store
from shared.tables import Photo
from web.account_data import delete_photo
from web.api.answers import Answers, problems
from web.auth import identity, require
from web.pictures import picture
from web.services import services

blueprint = APIBlueprint("photos", __name__, tag="Photos")
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
