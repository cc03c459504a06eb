"""The audit log: looked at, filtered, exported. For administrators."""

from __future__ import annotations

from flask import Response, render_template, request

from shared import audit
from shared.audit import Action, Filter
from web.auth import page_login_required
from web.pages import blueprint
from web.pages.present.people_rows import action_word, event_row
from web.pages.reading import database_integer
from web.services import services

EVENTS_PER_PAGE = 50


@blueprint.get("/people/audit")
@page_login_required("admin")
def audit_log() -> str:
    """What was done, newest first."""
    action, actor = request.args.get("action"), request.args.get("actor") or None
    chosen = Filter(Action(action) if action in list(Action) else None, actor)
    cursor = request.args.get("cursor", type=database_integer)
    with services().database.read() as session:
        page = audit.page(session, chosen, cursor, EVENTS_PER_PAGE)
    return render_template(
        "people/audit.html",
        events=[event_row(event) for event in page.items],
        actions={each.value: action_word(each) for each in Action},
        chosen=chosen,
        query={"action": chosen.action and chosen.action.value, "actor": chosen.actor},
        cursor=cursor,
        next_cursor=page.next_cursor,
    )


@blueprint.get("/people/audit.jsonl")
@page_login_required("admin")
def export_audit() -> Response:
    """The whole log, oldest first, one JSON object per line."""
    response = Response(audit.lines(services().database), content_type="application/jsonl")
    response.headers["Content-Disposition"] = "attachment; filename=hangtag-audit.jsonl"
    return response
