"""Listings: the list with search and filters, and the page of one."""

from __future__ import annotations

from typing import Any

from flask import flash, get_flashed_messages, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from shared import accounts
from shared.clock import rfc3339
from shared.datasets import labels
from shared.errors import NotFoundError
from shared.listings import store
from shared.listings.store import ChoiceFilter
from shared.listings.suggestion import suggestions
from shared.models import registry
from shared.photos import predictions
from shared.tables import Job, Listing, Photo
from web.auth import identity, page_login_required
from web.listing_export import FORMATS, export
from web.pages import blueprint
from web.pages.flashes import DONE, PROBLEM
from web.pages.present.listing_views import (
    UNTITLED,
    choice_line,
    choice_panel,
    decided_sentence,
    listing_card,
    listing_title,
)
from web.pages.present.photo_cards import CardState, PhotoCard, blank_card, counts, photo_card, unlooked_card
from web.pages.present.why_views import why_views
from web.pages.reading import moment_in_address, newest_jobs_of
from web.pages.returning import back
from web.services import services

LISTINGS_PER_PAGE = 24
# Administrators see their own listings, and with this in the address those of all sellers.
EVERYBODY = "everybody"
CHOICE_WORDS = {
    ChoiceFilter.NEEDED: "Needs a choice",
    ChoiceFilter.CHOSEN: "Chosen",
    ChoiceFilter.CORRECTED: "Corrected",
}
# States a card can be in before the server has rendered it.
BLANKS: tuple[CardState, ...] = ("uploading", "queued", "working", "failed")


@blueprint.get("/listings")
@page_login_required()
def listings() -> str:
    """A person's listings, newest first; everybody's where an administrator asks for them."""
    chosen = _filters()
    cursor = request.args.get("cursor")
    with services().database.read() as session:
        page = store.page(session, cursor=cursor, limit=LISTINGS_PER_PAGE, **chosen)
        ids = [listing.id for listing in page.items]
        photos, suggested = store.photos(session, ids), suggestions(session, ids)
    return render_template(
        "listings/index.html",
        cards=[
            listing_card(listing, photos.get(listing.id, []), suggested.get(listing.id))
            for listing in page.items
        ],
        chosen=chosen,
        query=_query(chosen),
        narrowed=decided_sentence(chosen["suggested"], chosen["chosen_from"]),
        choices=CHOICE_WORDS,
        cursor=cursor,
        next_cursor=page.next_cursor,
    )


@blueprint.get("/listings/export/<kind>")
@page_login_required()
def export_listings(kind: str) -> Response:
    """All listings that match the filters, as a file."""
    if kind not in FORMATS:
        raise NotFoundError(f"Listings can be exported as {' or '.join(FORMATS)}.")
    return export(services().database, kind, **_filters())


@blueprint.get("/listings/<listing_id>")
@page_login_required()
def listing(listing_id: str) -> str:
    """One listing: its photos, what is suggested, what was chosen and when."""
    with services().database.read() as session:
        found = store.find(session, listing_id, identity().owner_filter)
        context = editor(session, found)
        choices = store.choices(session, [listing_id]).get(listing_id, [])
        names = accounts.names(session, {choice.actor_id for choice in choices})
    return render_template(
        "listings/listing.html",
        history=[choice_line(choice, names) for choice in choices],
        heading=listing_title(found),
        problems=get_flashed_messages(category_filter=[PROBLEM]),
        **context,
    )


@blueprint.post("/listings/<listing_id>/category")
@page_login_required()
def choose(listing_id: str) -> Response:
    """Keep or correct what is suggested."""
    with services().database.write() as session:
        found = store.find(session, listing_id, identity().owner_filter, change=True)
        store.choose(session, found, identity().user.id, request.form.get("category", ""))
    return back(url_for("pages.listing", listing_id=listing_id))


@blueprint.post("/listings/<listing_id>/photos/<photo_id>/remove")
@page_login_required()
def remove_photo(listing_id: str, photo_id: str) -> Response:
    """Take a photo out."""
    with services().database.write() as session:
        found = store.find(session, listing_id, identity().owner_filter, change=True)
        store.remove_photo(session, found, photo_id)
    return back(url_for("pages.listing", listing_id=listing_id))


@blueprint.post("/listings/<listing_id>/photos/<photo_id>/cover")
@page_login_required()
def make_cover(listing_id: str, photo_id: str) -> Response:
    """Move a photo before all others."""
    with services().database.write() as session:
        found = store.find(session, listing_id, identity().owner_filter, change=True)
        store.make_cover(session, found, photo_id)
    return back(url_for("pages.listing", listing_id=listing_id))


@blueprint.post("/listings/<listing_id>/remove")
@page_login_required()
def remove_listing(listing_id: str) -> Response:
    """Take a listing away."""
    with services().database.write() as session:
        found = store.find(session, listing_id, identity().owner_filter, change=True)
        store.remove(session, found)
    flash(f"“{listing_title(found)}” is removed.", DONE)
    return redirect(url_for("pages.listings"), code=303)


def editor(session: Session, found: Listing | None) -> dict[str, Any]:
    """What the page of a listing shows; without a listing, what a new one begins with."""
    shown = found or Listing(title="", chosen=None, corrected=False)
    photos = store.photos(session, [found.id]).get(found.id, []) if found else []
    jobs = newest_jobs_of(session, photos)
    cards = [_card(photo, jobs.get(photo.id)) for photo in photos]
    panel = choice_panel(
        shown,
        suggestions(session, [found.id]).get(found.id) if found else None,
        labels.categories(session),
        photos=len(photos),
        waiting=sum(not card.settled for card in cards),
    )
    answers = predictions.of_jobs(session, jobs.values())
    return {
        "listing": found,
        "cards": cards,
        "why": why_views(photos, answers.values()),
        "panel": panel,
        "counts": counts(cards),
        "blanks": [blank_card(state) for state in BLANKS],
        "unfinished": any(not card.settled for card in cards),
        "serving": registry.champion(session) is not None,
        "untitled": UNTITLED,
        "max_title": store.MAX_TITLE,
        "max_photos": store.MAX_PHOTOS,
        "full": store.FULL,
        "last_position": store.last_position(session, found) if found else 0,
    }


def _card(photo: Photo, job: Job | None) -> PhotoCard:
    return photo_card(job, photo) if job is not None else unlooked_card(photo)


def _filters() -> dict[str, Any]:
    """What the address asks for.

    Raises:
        NotFoundError: it names a filter we do not have.
    """
    value = request.args.get("choice")
    if value and value not in set(ChoiceFilter):
        raise NotFoundError(f"Listings cannot be filtered by the choice {value[:40]!r}.")
    search = request.args.get("search", "").strip()[: store.MAX_TITLE]
    return {
        "owner_id": None if _everybodys() else identity().user.id,
        "search": search or None,
        "choice": ChoiceFilter(value) if value else None,
        "suggested": request.args.get("suggested") or None,
        "chosen_from": moment_in_address("chosen_from"),
    }


def _everybodys() -> bool:
    """Whether the address asks for everybody's listings, and its reader may see them."""
    return request.args.get("whose") == EVERYBODY and identity().owner_filter is None


def _query(chosen: dict[str, Any]) -> dict[str, Any]:
    """The filters as an address names them."""
    return {
        "whose": EVERYBODY if chosen["owner_id"] is None else None,
        "search": chosen["search"],
        "choice": chosen["choice"] and chosen["choice"].value,
        "suggested": chosen["suggested"],
        "chosen_from": rfc3339(chosen["chosen_from"]),
    }
