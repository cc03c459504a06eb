"""Listings: make, find, rename, choose a category, remove."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from apiflask import APIBlueprint
from flask import Response, request
from sqlalchemy.orm import Session

from shared import accounts, quotas
from shared.errors import PreconditionFailedError, PreconditionRequiredError
from shared.listings import store
from shared.listings.suggestion import suggestions
from shared.tables import Listing
from web.api.answers import Answers, answer, linked, polled, problems
from web.api.listing_schemas import (
    ChoiceIn,
    ChoiceOut,
    CoverIn,
    ListingIn,
    ListingOut,
    ListingsOut,
    ListingsQuery,
    TitleIn,
)
from web.auth import identity, require
from web.idempotency import PARAMETER, REPLAYED, fingerprint, once
from web.services import services

blueprint = APIBlueprint("listings", __name__, tag="Listings")
IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "required": True,
    "description": "The ETag of the listing as you saw it: nobody decides on what they have not seen.",
    "schema": {"type": "string"},
}

NOTHING: Answers = {204: {"description": "Done; there is nothing to show"}}


@blueprint.post("/listings")
@require("classify")
@blueprint.input(ListingIn)
@blueprint.output(ListingOut, 201)
@blueprint.doc(
    summary="Begin a listing",
    description="Send its photos to `POST /api/v1/classifications` with its id as `listing_id`.",
    responses=problems(400, 404, 409, 422),
    extensions={"x-parameters": [PARAMETER]},
)
def create(json_data: ListingIn) -> Response:
    """A new listing, empty or with photos that were sent before."""

    def work(session: Session) -> dict[str, Any]:
        owner_id = identity().user.id
        quotas.require_room_for_listing(session, services().settings, owner_id)
        listing = store.create(session, owner_id, json_data.title, json_data.photo_ids)
        return views(session, [listing])[0].model_dump(mode="json")

    made, replayed = once(fingerprint(json_data.model_dump_json().encode()), work)
    body = ListingOut.model_validate(made)
    headers = {"Location": f"/api/v1/listings/{body.id}", **(REPLAYED if replayed else {})}
    return _tagged(body, 201, headers)


@blueprint.get("/listings")
@require("read")
@blueprint.input(ListingsQuery, location="query")
@blueprint.output(ListingsOut)
@blueprint.doc(
    summary="List listings",
    description="Newest first. `choice` lists those for which a choice is `needed`, was `chosen`, or was "
    "`corrected`: another category than the suggested one.",
    responses=problems(422),
)
def index(query_data: ListingsQuery) -> Response:
    """One page of listings, newest first."""
    with services().database.read() as session:
        page = store.page(session, owner_id=identity().owner_filter, **query_data.model_dump())
        body = ListingsOut(listings=views(session, page.items), next_cursor=page.next_cursor)
    return linked(polled(body), page.next_cursor)


@blueprint.get("/listings/<listing_id>")
@require("read")
@blueprint.output(ListingOut)
@blueprint.doc(summary="Look at a listing", responses=problems(404))
def show(listing_id: str) -> Response:
    """One listing with its photos, what is suggested and what was chosen; with an ETag."""
    with services().database.read() as session:
        body = _view(session, store.find(session, listing_id, identity().owner_filter))
    return polled(body)


@blueprint.patch("/listings/<listing_id>")
@require("classify")
@blueprint.input(TitleIn)
@blueprint.output(ListingOut)
@blueprint.doc(summary="Rename a listing", responses=problems(400, 404, 422))
def rename(listing_id: str, json_data: TitleIn) -> Response:
    """Give a listing another title."""
    with services().database.write() as session:
        listing = store.find(session, listing_id, identity().owner_filter, change=True)
        store.rename(listing, json_data.title)
        body = _view(session, listing)
    return _tagged(body)


@blueprint.put("/listings/<listing_id>/category")
@require("classify")
@blueprint.input(ChoiceIn)
@blueprint.output(ListingOut)
@blueprint.doc(
    summary="Choose the category of a listing",
    description="Keeps or corrects the suggestion; the photos become examples of the category. The choice is "
    "kept with what was suggested, so `If-Match` has to carry the ETag of what you saw: 412 when the listing "
    "or its suggestion is another by now, 428 without the header.",
    responses=problems(400, 404, 409, 412, 422, 428),
    extensions={"x-parameters": [IF_MATCH]},
)
def choose(listing_id: str, json_data: ChoiceIn) -> Response:
    """Decide on the category."""
    with services().database.write() as session:
        listing = store.find(session, listing_id, identity().owner_filter, change=True)
        _require_match(_tagged(_view(session, listing)))
        store.choose(session, listing, identity().user.id, json_data.category)
        body = _view(session, listing)
    return _tagged(body)


@blueprint.put("/listings/<listing_id>/cover")
@require("classify")
@blueprint.input(CoverIn)
@blueprint.output(ListingOut)
@blueprint.doc(
    summary="Choose the cover of a listing",
    description="Moves one of its photos before all others.",
    responses=problems(400, 404, 422),
)
def make_cover(listing_id: str, json_data: CoverIn) -> Response:
    """Move a photo to the front."""
    with services().database.write() as session:
        listing = store.find(session, listing_id, identity().owner_filter, change=True)
        store.make_cover(session, listing, json_data.photo_id)
        session.flush()
        body = _view(session, listing)
    return _tagged(body)


@blueprint.delete("/listings/<listing_id>")
@require("classify")
@blueprint.doc(
    summary="Remove a listing",
    description="Its photos stay, and are no longer examples because of it.",
    responses={**NOTHING, **problems(404)},
)
def remove(listing_id: str) -> Response:
    """Take a listing away."""
    with services().database.write() as session:
        store.remove(session, store.find(session, listing_id, identity().owner_filter, change=True))
    return Response(status=204)


@blueprint.delete("/listings/<listing_id>/photos/<photo_id>")
@require("classify")
@blueprint.doc(
    summary="Take a photo out of a listing",
    description="The photo itself stays.",
    responses={**NOTHING, **problems(404)},
)
def remove_photo(listing_id: str, photo_id: str) -> Response:
    """Take one photo out."""
    with services().database.write() as session:
        listing = store.find(session, listing_id, identity().owner_filter, change=True)
        store.remove_photo(session, listing, photo_id)
    return Response(status=204)


def views(session: Session, listings: Sequence[Listing]) -> list[ListingOut]:
    """The public views of listings, with what belongs to them read at once for all."""
    ids = [listing.id for listing in listings]
    photos, suggested = store.photos(session, ids), suggestions(session, ids)
    choices = store.choices(session, ids)
    names = accounts.names(session, {choice.actor_id for rows in choices.values() for choice in rows})
    return [
        ListingOut.of(
            listing,
            photos.get(listing.id, []),
            suggested.get(listing.id),
            [ChoiceOut.of(choice, names) for choice in choices.get(listing.id, [])],
        )
        for listing in listings
    ]


def _view(session: Session, listing: Listing) -> ListingOut:
    return views(session, [listing])[0]


def _tagged(body: ListingOut, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    response = answer(body, status, headers)
    response.add_etag()
    return response


def _require_match(present: Response) -> None:
    """Compare If-Match with the listing as it is now.

    Raises:
        PreconditionRequiredError: the header is missing.
        PreconditionFailedError: the listing is another than the client saw.
    """
    if "If-Match" not in request.headers:
        raise PreconditionRequiredError
    etag, _weak = present.get_etag()
    if etag is None or not request.if_match.contains(etag):
        raise PreconditionFailedError
