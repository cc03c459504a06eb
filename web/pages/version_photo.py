"""A test photo, what a version answered for it, and what it learned from that looks most like it."""

from __future__ import annotations

from flask import render_template

from shared.models import evaluated, neighbours, registry
from web.auth import page_login_required
from web.pages import blueprint
from web.pages.present.version_views import answered_photo, learned_photo
from web.services import services


@blueprint.get("/versions/<int:number>/photos/<digest>")
@page_login_required("reviewer")
def version_photo(number: int, digest: str) -> str:
    """One test photo of a version."""
    with services().database.read() as session:
        version = registry.find(session, number)
        photo = evaluated.find(session, number, digest)
        nearest = neighbours.labelled(session, version, photo.nearest or [])
    return render_template(
        "versions/photo.html",
        version=version,
        photo=photo,
        shown=answered_photo(photo),
        nearest=[learned_photo(neighbour) for neighbour in nearest],
    )
