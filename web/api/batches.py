"""Many photos in one request: each has an outcome of its own."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import Response, request

from shared import batches
from shared.photos.archive import MAX_MEMBERS
from shared.public_views import BatchOut
from web.api.answers import Answers, answer, linked, polled, problems
from web.api.batch_schemas import BatchAnswer, BatchesOut, BatchesQuery, ItemOut
from web.auth import identity, require
from web.batch_export import export
from web.batch_intake import MAX_PARTS, MAX_REQUEST_BYTES, receive
from web.idempotency import PARAMETER, REPLAYED
from web.request_sizes import make_room
from web.row_files import CSV, JSON_LINES
from web.services import services

blueprint = APIBlueprint("batches", __name__, tag="Batches")
CREATE = "batches.create"

UPLOAD = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "properties": {
                    "photo": {
                        "type": "array",
                        "items": {"type": "string", "format": "binary"},
                        "description": f"At most {MAX_MEMBERS:,} JPEG, PNG or WebP photos.",
                    },
                    "archive": {
                        "type": "string",
                        "format": "binary",
                        "description": "Or one zip archive of them.",
                    },
                },
            }
        }
    },
}
LINES: Answers = {
    200: {
        "description": "One line per file, in the order in which they were sent",
        "content": {JSON_LINES: {"schema": {"type": "string"}}, CSV: {"schema": {"type": "string"}}},
    }
}


@blueprint.before_request
def _make_room() -> None:
    if request.endpoint == CREATE:
        make_room(MAX_REQUEST_BYTES, MAX_PARTS)


@blueprint.post("/batches")
@require("classify")
@blueprint.output(BatchAnswer, 202, description="Accepted; every photo that can be used will be answered")
@blueprint.doc(
    summary="Classify many photos",
    description="Send many `photo` parts, or one zip as `archive`. A file that cannot be used is refused "
    "alone: its item in the answer says why. An archive that is not safe to open is refused as a whole.",
    responses=problems(400, 409, 413, 415, 422, 507),
    extensions={"x-request-body": UPLOAD, "x-parameters": [PARAMETER]},
)
def create() -> Response:
    """Store the photos, queue their classification."""
    batch_id, replayed = receive()
    headers = {"Location": f"/api/v1/batches/{batch_id}", **(REPLAYED if replayed else {})}
    return answer(_look(batch_id), 202, headers)


@blueprint.get("/batches")
@require("read")
@blueprint.input(BatchesQuery, location="query")
@blueprint.output(BatchesOut)
@blueprint.doc(summary="List batches", description="Newest first.", responses=problems(422))
def index(query_data: BatchesQuery) -> Response:
    """One page of batches."""
    with services().database.read() as session:
        page = batches.page(
            session, owner_id=identity().owner_filter, cursor=query_data.cursor, limit=query_data.limit
        )
    body = BatchesOut(batches=[BatchOut.of(summary) for summary in page.items], next_cursor=page.next_cursor)
    return linked(polled(body), page.next_cursor)


@blueprint.get("/batches/<batch_id>")
@require("read")
@blueprint.output(BatchAnswer)
@blueprint.doc(summary="Look at a batch", responses=problems(404))
def show(batch_id: str) -> Response:
    """How many photos stand where, and what became of each."""
    return polled(_look(batch_id))


@blueprint.get("/batches/<batch_id>/results")
@require("read")
@blueprint.doc(
    summary="The outcome of a batch as a file",
    description="JSON lines, or CSV when `Accept` prefers `text/csv`.",
    responses={**LINES, **problems(404)},
)
def results(batch_id: str) -> Response:
    """One line per file."""
    response = export(batch_id, request.accept_mimetypes.best_match([JSON_LINES, CSV], default=JSON_LINES))
    response.vary.add("Accept")
    return response


def _look(batch_id: str) -> BatchAnswer:
    with services().database.read() as session:
        batch = batches.find(session, batch_id, identity().owner_filter)
        summary = batches.summary(session, batch)
        items = [ItemOut.of(item) for item in batches.items(session, batch.id)]
    return BatchAnswer(batch=BatchOut.of(summary), items=items)
