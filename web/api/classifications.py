"""Photos in, suggestions out."""

from __future__ import annotations

import re
from typing import Any

from apiflask import APIBlueprint
from flask import Response, request
from sqlalchemy.orm import Session

from shared.errors import FileMissingError, ValidationError
from shared.jobs.states import TERMINAL, JobKind, JobState
from shared.listings.store import MAX_POSITION
from shared.photos.intake import PreparedPhoto
from shared.public_views import JobOut
from web.api.answers import Answers, answer, problems
from web.api.schemas import ClassificationOut, PhotoOut
from web.auth import identity, require
from web.idempotency import PARAMETER, REPLAYED, fingerprint, once, recall
from web.services import services
from web.submission import Place, accept, prepare_photo
from web.waiting import MAX_WAIT_SECONDS, wait_for_end

blueprint = APIBlueprint("classifications", __name__, tag="Classifications")
RETRY_SECONDS = "1"
WAIT_PREFERENCE = re.compile(r"(?:^|[,;\s])wait\s*=\s*(\d{1,3})(?:$|[,;\s])", re.IGNORECASE)
POSITION = re.compile(r"[1-9][0-9]{0,9}")

UPLOAD = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["photo"],
                "properties": {
                    "photo": {"type": "string", "format": "binary"},
                    "listing_id": {"type": "string", "description": "The listing it belongs to."},
                    "position": {
                        "type": "integer",
                        "minimum": 1,
                        "maximum": MAX_POSITION,
                        "description": "Its place among the photos of the listing, so that photos sent side "
                        "by side keep their order; the lowest is the cover. Without it: after the last.",
                    },
                },
            }
        }
    },
}
FINISHED: Answers = {
    200: {
        "description": "The finished job, when waiting was preferred and it was ready in time",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/ClassificationOut"}}},
    }
}
PREFER = {
    "name": "Prefer",
    "in": "header",
    "required": False,
    "description": "wait=N waits up to N <= 60 seconds for the answer (RFC 7240).",
    "schema": {"type": "string"},
}


@blueprint.post("/classifications")
@require("classify")
@blueprint.output(ClassificationOut, 202, description="Accepted; the job will run, whatever happens next")
@blueprint.doc(
    summary="Classify a photo",
    description="With `Prefer: wait=N` the answer is 200 and the finished job when it is ready in time.",
    responses={**FINISHED, **problems(400, 404, 409, 413, 415, 422, 507)},
    extensions={"x-request-body": UPLOAD, "x-parameters": [PARAMETER, PREFER]},
)
def classify() -> Response:
    """Store a photo, queue its classification, and wait for it if the client prefers to."""
    upload = request.files.get("photo")
    if upload is None:
        raise FileMissingError
    data = upload.read()
    place = _place()
    parts = fingerprint(data, *_told(place))
    first = recall(parts)
    replayed = first is not None
    if first is None:
        prepared = prepare_photo(services(), data)
        first, replayed = once(parts, lambda session: _accept(session, prepared, upload.filename, place))
        if not replayed:
            _wake(first)
    return _answer(ClassificationOut.model_validate(first), replayed=replayed)


def _place() -> Place | None:
    """Where the photo shall go, as the form says.

    Raises:
        ValidationError: the position is not one, or there is no listing for it.
    """
    listing_id, position = request.form.get("listing_id"), request.form.get("position")
    if not position:
        return Place(listing_id) if listing_id else None
    if not listing_id:
        raise ValidationError(
            "A position is one in a listing. Send the id of the listing as listing_id, too."
        )
    if not POSITION.fullmatch(position) or int(position) > MAX_POSITION:
        raise ValidationError(f"The position has to be a whole number from 1 to {MAX_POSITION:,}.")
    return Place(listing_id, int(position))


def _told(place: Place | None) -> list[bytes]:
    """What tells this request from another one with the same photo."""
    if place is None:
        return []
    return [place.listing_id.encode(), *([b"%d" % place.position] if place.position else [])]


def _accept(
    session: Session, prepared: PreparedPhoto, filename: str | None, place: Place | None
) -> dict[str, Any]:
    job, photo = accept(session, identity().user.id, prepared, filename, place)
    return ClassificationOut(job=JobOut.of(job), photo=PhotoOut.of(photo)).model_dump(mode="json")


def _wake(accepted: dict[str, Any]) -> None:
    job = accepted["job"]
    if job["state"] == JobState.QUEUED:
        services().queue.publish(JobKind(job["kind"]), job["id"])


def _answer(body: ClassificationOut, *, replayed: bool) -> Response:
    headers = {"Location": f"/api/v1/jobs/{body.job.id}", **(REPLAYED if replayed else {})}
    seconds = _preferred_wait()
    if seconds:
        headers["Preference-Applied"] = "wait"
        body = _waited_for(body, seconds)
    if body.job.state not in TERMINAL:
        headers["Retry-After"] = RETRY_SECONDS
    return answer(body, 200 if seconds and body.job.state in TERMINAL else 202, headers)


def _waited_for(body: ClassificationOut, seconds: int) -> ClassificationOut:
    """The same with the job as it has ended, when it did in time."""
    if body.job.state in TERMINAL:
        return body
    job = wait_for_end(services(), body.job.id, seconds)
    if job is None or job.state not in TERMINAL:
        return body
    return ClassificationOut(job=JobOut.of(job), photo=body.photo)


def _preferred_wait() -> int:
    found = WAIT_PREFERENCE.search(request.headers.get("Prefer", ""))
    return min(int(found.group(1)), MAX_WAIT_SECONDS) if found else 0
