"""Photos in, suggestions out."""

from __future__ import annotations

import re

from apiflask import APIBlueprint
from flask import Response, request

from shared.errors import FileMissingError
from shared.jobs.states import TERMINAL
from shared.tables import Job, Photo
from web.api.answers import answer, problems
from web.api.schemas import ClassificationOut, JobOut, PhotoOut
from web.auth import identity, require
from web.services import services
from web.submission import submit_photo
from web.waiting import MAX_WAIT_SECONDS, wait_until_terminal

blueprint = APIBlueprint("classifications", __name__, tag="Classifications")
RETRY_SECONDS = "1"
WAIT_PREFERENCE = re.compile(r"(?:^|[,;\s])wait\s*=\s*(\d{1,3})(?:$|[,;\s])", re.IGNORECASE)

UPLOAD = {
    "requestBody": {
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
    },
    "parameters": [
        {
            "name": "Prefer",
            "in": "header",
            "required": False,
            "description": "wait=N waits up to N <= 60 seconds for the answer (RFC 7240).",
            "schema": {"type": "string"},
        }
    ],
}


@blueprint.post("/classifications")
@require("classify")
@blueprint.output(ClassificationOut, 202, description="Accepted; the job will run, whatever happens next")
@blueprint.doc(
    summary="Classify a photo",
    description="With `Prefer: wait=N` the answer is 200 and the finished job when it is ready in time.",
    responses=problems(400, 413, 415, 422, 507),
    extensions={"x-upload": UPLOAD},
)
def classify() -> Response:
    """Store a photo, queue its classification, and wait for it if the client prefers to."""
    upload = request.files.get("photo")
    if upload is None:
        raise FileMissingError
    job, photo = submit_photo(services(), identity().user.id, upload.read(), upload.filename)
    seconds = _preferred_wait()
    if seconds:
        job = wait_until_terminal(services(), job.id, None, seconds)
    return _accepted(job, photo, waited=bool(seconds))


def _preferred_wait() -> int:
    found = WAIT_PREFERENCE.search(request.headers.get("Prefer", ""))
    return min(int(found.group(1)), MAX_WAIT_SECONDS) if found else 0


def _accepted(job: Job, photo: Photo, *, waited: bool) -> Response:
    ended = job.state in TERMINAL
    headers = {"Location": f"/api/v1/jobs/{job.id}"}
    if waited:
        headers["Preference-Applied"] = "wait"
    if not ended:
        headers["Retry-After"] = RETRY_SECONDS
    body = ClassificationOut(job=JobOut.of(job), photo=PhotoOut.of(photo))
    return answer(body, 200 if ended else 202, headers)
