"""How a job goes on, as a stream of events."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import Response, request

from shared.jobs import store
from shared.jobs.states import TERMINAL
from shared.public_views import JobOut
from web.api.answers import Answers, problems
from web.auth import identity, require
from web.services import services
from web.streams import event_id, events

blueprint = APIBlueprint("job_events", __name__, tag="Jobs")
STREAM: Answers = {
    200: {
        "description": "Events named `job`, each with the whole job as JSON",
        "content": {"text/event-stream": {}},
    },
    204: {"description": "The job has ended, and the client has seen how"},
}
LAST_EVENT_ID = {
    "name": "Last-Event-ID",
    "in": "header",
    "required": False,
    "description": "The id of the last event you saw; browsers send it by themselves.",
    "schema": {"type": "string"},
}


@blueprint.get("/jobs/<job_id>/events")
@require("read")
@blueprint.doc(
    summary="Follow a job",
    description="Server-sent events: one at once, one for each change, until the job has ended or a minute "
    "is over; then connect again. Where streams are taken (429, 503), poll with `?wait=`.",
    responses={**STREAM, **problems(404, 429)},
    extensions={"x-parameters": [LAST_EVENT_ID]},
)
def follow(job_id: str) -> Response:
    """Tell a job's state each time it changes."""
    known, owner_id = services(), identity().owner_filter

    def look() -> tuple[str, bool]:
        with known.database.read() as session:
            job = store.find(session, job_id, owner_id)
        return JobOut.of(job).model_dump_json(), job.state in TERMINAL

    data, final = look()
    last_id = request.headers.get("Last-Event-ID")
    if final and event_id(data) == last_id:
        return Response(status=204)  # tells a browser not to connect again
    close = known.streams.take(identity().user.id)
    response = Response(events(look, last_id), mimetype="text/event-stream")
    # When the answer ends, however it does, and also when it was never begun.
    response.call_on_close(close)
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Accel-Buffering"] = "no"
    return response
