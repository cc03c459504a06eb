"""The audit log, for administrators."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import Response

from shared import audit
from web.api.answers import answer, linked, problems
from web.api.audit_schemas import AuditEventOut, AuditEventsOut, AuditQuery
from web.auth import require
from web.services import services

blueprint = APIBlueprint("audit", __name__, tag="Audit")


@blueprint.get("/audit-events")
@require("admin")
@blueprint.input(AuditQuery, location="query")
@blueprint.output(AuditEventsOut)
@blueprint.doc(
    summary="List audit events",
    description="Newest first. `digest` is the SHA-256 over the digest of the event before, a line feed and "
    "the event's other members as JSON with sorted names and without blanks.",
    responses=problems(422),
)
def index(query_data: AuditQuery) -> Response:
    """One page of the log."""
    chosen = audit.Filter(query_data.action, query_data.actor)
    with services().database.read() as session:
        page = audit.page(session, chosen, query_data.cursor, query_data.limit)
    events = [AuditEventOut.model_validate(audit.as_dict(event)) for event in page.items]
    body = AuditEventsOut(events=events, next_cursor=page.next_cursor)
    return linked(answer(body), page.next_cursor)
