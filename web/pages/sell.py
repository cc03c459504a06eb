"""Selling: photos in, categories out."""

from __future__ import annotations

from flask import flash, get_flashed_messages, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response

from shared.errors import HangtagError
from shared.jobs import store
from shared.jobs.states import JobKind
from shared.models import registry
from shared.photos.intake import MAX_BYTES, display_name
from shared.tables import Job
from web.auth import identity, page_login_required
from web.pages import blueprint
from web.pages.present.photo_cards import PhotoCard, blank_card, counts, newest_per_photo, photo_card
from web.pages.reading import photos_of
from web.services import services
from web.submission import submit_photo

CARDS_PER_PAGE = 24
# Twenty photos of the largest size that is taken.
MAX_FORM_BYTES = 20 * MAX_BYTES
PROBLEM = "problem"
HINT = "hint"
# They travel in a cookie, which holds 4 kB.
MAX_PROBLEMS_SHOWN = 8
MAX_PROBLEM_NAME = 60
NOTHING_CHOSEN = "You have not chosen a photo yet. Choose one or more, then upload them."


@blueprint.before_request
def allow_many_photos() -> None:
    """Let the plain form send a listing's worth of photos at once; scripts send them one by one."""
    if request.endpoint == "pages.upload":
        request.max_content_length = MAX_FORM_BYTES


@blueprint.get("/sell")
@page_login_required()
def sell() -> str:
    """Upload photos and see what became of the last ones."""
    cursor = request.args.get("cursor")
    with services().database.read() as session:
        page = store.page(
            session, owner_id=identity().user.id, kind=JobKind.CLASSIFY, cursor=cursor, limit=CARDS_PER_PAGE
        )
        cards = _cards(session, newest_per_photo(page.items))
        serving = registry.champion(session) is not None
    problems = get_flashed_messages(category_filter=[PROBLEM])
    return render_template(
        "sell/index.html",
        cards=cards,
        counts=counts(cards),
        blanks=[blank_card(state) for state in ("uploading", "queued", "working", "failed")],
        unfinished=any(not card.settled for card in cards),
        problems=problems,
        hints=get_flashed_messages(category_filter=[HINT]),
        serving=serving,
        cursor=cursor,
        next_cursor=page.next_cursor,
    )


@blueprint.post("/sell")
@page_login_required()
def upload() -> Response:
    """Take photos from a plain form: each is stored and queued, or explained."""
    files = [file for file in request.files.getlist("photo") if file.filename]
    problems = [problem for problem in map(_submit, files) if problem]
    for problem in problems[:MAX_PROBLEMS_SHOWN]:
        flash(problem, PROBLEM)
    if len(problems) > MAX_PROBLEMS_SHOWN:
        flash(f"{len(problems) - MAX_PROBLEMS_SHOWN} more files could not be used.", PROBLEM)
    if not files:
        flash(NOTHING_CHOSEN, HINT)
    return redirect(url_for("pages.sell"), code=303)


@blueprint.get("/sell/cards/<job_id>")
@page_login_required()
def card(job_id: str) -> str:
    """One photo card, for a page that is already open."""
    with services().database.read() as session:
        job = store.find(session, job_id, identity().owner_filter)
        (found,) = _cards(session, [job])
    return render_template("sell/card.html", card=found)


def _cards(session: Session, jobs: list[Job]) -> list[PhotoCard]:
    photos = photos_of(session, jobs)
    return [photo_card(job, photos.get(job.photo_id or "")) for job in jobs]


def _submit(file: FileStorage) -> str | None:
    """Store and queue one file. Returns what is wrong with it, if anything."""
    try:
        submit_photo(services(), identity().user.id, file.read(), file.filename)
    except HangtagError as error:
        return f"{display_name(file.filename)[:MAX_PROBLEM_NAME]}: {error.message}"
    return None
