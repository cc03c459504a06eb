"""Versions to look at: the untouched ImageNet network, and any version tried on a photo."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import Response, request

from shared.errors import FileMissingError
from shared.models import diagnostic, registry
from web.api.answers import problems
from web.api.queued import queue_once, queued
from web.api.schemas import JobAnswer
from web.auth import identity, require, require_judge
from web.idempotency import PARAMETER, fingerprint, recall
from web.services import services
from web.submission import accept_try, prepare_photo

blueprint = APIBlueprint("try_outs", __name__, tag="Models")
PHOTO = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["photo"],
                "properties": {"photo": {"type": "string", "format": "binary"}},
            }
        }
    },
}


@blueprint.post("/models/imagenet")
@require("train")
@blueprint.output(JobAnswer, 202)
@blueprint.doc(
    summary="Bring the untouched ImageNet network in",
    description="A job that makes a diagnostic version with the 1000 labels Xception was published with. It "
    "takes the two files of Keras from the folder `HANGTAG_IMAGENET_DIR`, else from Keras' own download.",
    responses=problems(409, 422),
    extensions={"x-parameters": [PARAMETER]},
)
def bring_in_imagenet() -> Response:
    """Start the job, or name the one that is on its way."""
    person = identity().user.id
    return queue_once(fingerprint(), lambda session: diagnostic.request(session, person))


@blueprint.post("/models/<int:number>/tries")
@require("classify")
@blueprint.output(JobAnswer, 202)
@blueprint.doc(
    summary="Try a version on a photo",
    description="For reviewers and administrators. The `result` of the job has the answers of this version "
    "and of the champion. Sellers see nothing of it.",
    responses=problems(400, 404, 409, 413, 415, 422, 507),
    extensions={"x-request-body": PHOTO, "x-parameters": [PARAMETER]},
)
def try_out(number: int) -> Response:
    """Store the photo as the caller's own, and queue the job."""
    require_judge()
    upload = request.files.get("photo")
    if upload is None:
        raise FileMissingError
    data = upload.read()
    parts = fingerprint(data)
    first = recall(parts)
    if first is not None:
        return queued(first, replayed=True)
    with services().database.read() as session:
        registry.find(session, number)  # before the picture is decoded and stored for nothing
    prepared = prepare_photo(services(), data)
    person = identity().user.id
    return queue_once(parts, lambda session: accept_try(session, person, prepared, upload.filename, number))
