"""Bulk: many photos at once, and what became of each."""

from __future__ import annotations

from flask import flash, get_flashed_messages, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from shared import batches as store
from shared.errors import PermanentError
from shared.models import registry
from shared.photos.archive import MAX_INFLATED_BYTES, MAX_MEMBERS
from web.auth import identity, page_login_required
from web.batch_export import export
from web.batch_intake import MAX_PARTS, MAX_REQUEST_BYTES, receive
from web.pages import blueprint
from web.pages.flashes import PROBLEM
from web.pages.present.batch_rows import batch_row, item_row
from web.request_sizes import make_room
from web.row_files import CSV, JSON_LINES
from web.services import services

BATCHES_PER_PAGE = 24


@blueprint.before_request
def allow_whole_batch() -> None:
    """Let the plain form be as large as a batch."""
    if request.endpoint == "pages.send_batch":
        make_room(MAX_REQUEST_BYTES, MAX_PARTS)


@blueprint.get("/batches")
@page_login_required()
def batches() -> str:
    """Send many photos, and see the batches of before."""
    cursor = request.args.get("cursor")
    with services().database.read() as session:
        owner_id = identity().user.id
        page = store.page(session, owner_id=owner_id, cursor=cursor, limit=BATCHES_PER_PAGE)
        serving = registry.champion(session) is not None
    rows = [batch_row(summary) for summary in page.items]
    return render_template(
        "batches/index.html",
        rows=rows,
        live=any(row.unfinished for row in rows),
        problems=get_flashed_messages(category_filter=[PROBLEM]),
        serving=serving,
        most=MAX_MEMBERS,
        most_bytes=MAX_INFLATED_BYTES,
        cursor=cursor,
        next_cursor=page.next_cursor,
    )


@blueprint.post("/batches")
@page_login_required()
def send_batch() -> Response:
    """Take photos or a zip from the form; each is stored and queued, or explained on the batch's page."""
    try:
        batch_id, _ = receive()
    except PermanentError as error:
        flash(error.message, PROBLEM)
        return redirect(url_for("pages.batches"), code=303)
    return redirect(url_for("pages.batch", batch_id=batch_id), code=303)


@blueprint.get("/batches/<batch_id>")
@page_login_required()
def batch(batch_id: str) -> str:
    """One batch, file by file."""
    with services().database.read() as session:
        found = store.find(session, batch_id, identity().owner_filter)
        summary = store.summary(session, found)
        items = store.items(session, batch_id)
    return render_template(
        "batches/batch.html", batch=batch_row(summary), rows=[item_row(item) for item in items]
    )


@blueprint.get("/batches/<batch_id>/results.csv")
@page_login_required()
def batch_csv(batch_id: str) -> Response:
    """The outcome for a spreadsheet."""
    return export(batch_id, CSV)


@blueprint.get("/batches/<batch_id>/results.jsonl")
@page_login_required()
def batch_json_lines(batch_id: str) -> Response:
    """The outcome for a program."""
    return export(batch_id, JSON_LINES)
