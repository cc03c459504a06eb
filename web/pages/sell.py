"""Selling: photos in, a category out, on one screen."""

from __future__ import annotations

from flask import flash, get_flashed_messages, redirect, render_template, request, url_for
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response

from shared import quotas
from shared.errors import HangtagError
from shared.jobs import store
from shared.listings import store as listings
from shared.listings.store import ChoiceFilter
from shared.listings.suggestion import suggestions
from shared.photos.intake import MAX_BYTES, display_name
from web.auth import identity, page_login_required
from web.pages import blueprint
from web.pages.flashes import HINT, PROBLEM
from web.pages.listings import editor
from web.pages.present.listing_views import listing_card
from web.pages.present.photo_cards import photo_card
from web.pages.reading import photos_of
from web.request_sizes import MAX_BYTES as MAX_USUAL_BYTES
from web.request_sizes import make_room
from web.services import services
from web.submission import Place, submit_photo

# As many unfinished drafts as fit below a new one without hiding it.
DRAFTS_SHOWN = 4
# Twenty photos of the largest size that is taken.
MAX_FORM_BYTES = 20 * MAX_BYTES
# They travel in a cookie, which holds 4 kB.
MAX_PROBLEMS_SHOWN = 8
MAX_PROBLEM_NAME = 60
NOTHING_CHOSEN = "You have not chosen a photo yet. Choose one or more, then upload them."


@blueprint.before_request
def allow_many_photos() -> None:
    """Let the plain form send a listing's worth of photos at once; scripts send them one by one."""
    large = (request.content_length or 0) > MAX_USUAL_BYTES
    if large and request.endpoint in ("pages.begin_listing", "pages.save_listing"):
        make_room(MAX_FORM_BYTES)


@blueprint.get("/sell")
@page_login_required()
def sell() -> str:
    """Begin a listing; the last ones without a category are a tap away."""
    with services().database.read() as session:
        drafts = listings.page(
            session, owner_id=identity().user.id, choice=ChoiceFilter.NEEDED, limit=DRAFTS_SHOWN
        ).items
        ids = [draft.id for draft in drafts]
        photos, suggested = listings.photos(session, ids), suggestions(session, ids)
        context = editor(session, None)
    cards = [listing_card(draft, photos.get(draft.id, []), suggested.get(draft.id)) for draft in drafts]
    return render_template(
        "sell/index.html", drafts=cards, hints=get_flashed_messages(category_filter=[HINT]), **context
    )


@blueprint.post("/sell")
@page_login_required()
def begin_listing() -> Response:
    """Begin a listing from a plain form."""
    files = _files()
    if not files:
        flash(NOTHING_CHOSEN, HINT)
        return redirect(url_for("pages.sell"), code=303)
    with services().database.write() as session:
        owner_id = identity().user.id
        quotas.require_room_for_listing(session, services().settings, owner_id)
        made = listings.create(session, owner_id, request.form.get("title", ""))
    _submit_all(files, made.id)
    return redirect(url_for("pages.listing", listing_id=made.id), code=303)


@blueprint.post("/listings/<listing_id>")
@page_login_required()
def save_listing(listing_id: str) -> Response:
    """Take a title and more photos from a plain form."""
    with services().database.write() as session:
        found = listings.find(session, listing_id, identity().owner_filter, change=True)
        listings.rename(found, request.form.get("title", found.title))
    _submit_all(_files(), listing_id)
    return redirect(url_for("pages.listing", listing_id=listing_id), code=303)


@blueprint.get("/sell/cards/<job_id>")
@page_login_required()
def card(job_id: str) -> str:
    """One photo card, for a page that is already open."""
    with services().database.read() as session:
        job = store.find(session, job_id, identity().owner_filter)
        photo = photos_of(session, [job]).get(job.photo_id or "")
    return render_template(
        "sell/card.html", card=photo_card(job, photo), listing_id=request.args.get("listing")
    )


def _files() -> list[FileStorage]:
    return [file for file in request.files.getlist("photo") if file.filename]


def _submit_all(files: list[FileStorage], listing_id: str) -> None:
    """Store and queue each file, or remember what is wrong with it for the next page."""
    problems = [problem for problem in (_submit(file, listing_id) for file in files) if problem]
    for problem in problems[:MAX_PROBLEMS_SHOWN]:
        flash(problem, PROBLEM)
    if len(problems) > MAX_PROBLEMS_SHOWN:
        flash(f"{len(problems) - MAX_PROBLEMS_SHOWN} more files could not be used.", PROBLEM)


def _submit(file: FileStorage, listing_id: str) -> str | None:
    """Store and queue one file. Returns what is wrong with it, if anything."""
    try:
        submit_photo(services(), identity().user.id, file.read(), file.filename, Place(listing_id))
    except HangtagError as error:
        return f"{display_name(file.filename)[:MAX_PROBLEM_NAME]}: {error.message}"
    return None
