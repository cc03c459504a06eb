"""Your data: take all of it along, or delete all of it."""

from __future__ import annotations

from flask import flash, redirect, render_template, url_for
from sqlalchemy import func, select
from werkzeug.wrappers import Response

from shared.tables import Batch, Photo
from web.account_data import delete_everything, export_response
from web.account_data import delete_photo as remove
from web.auth import identity, page_login_required
from web.pages import blueprint
from web.pages.flashes import DONE
from web.pages.present.words import plural
from web.pages.returning import back
from web.services import services


@blueprint.get("/your-data")
@page_login_required()
def your_data() -> str:
    """What Hangtag keeps of the reader."""
    owner_id = identity().user.id
    with services().database.read() as session:
        mine = select(func.count(), func.coalesce(func.sum(Photo.size), 0)).where(Photo.owner_id == owner_id)
        photos, size = session.execute(mine).one()
        batches = session.scalar(select(func.count()).select_from(Batch).where(Batch.owner_id == owner_id))
    return render_template("your_data.html", photos=photos, size=size, batches=batches or 0)


@blueprint.get("/your-data/export")
@page_login_required()
def export_data() -> Response:
    """A zip of everything."""
    return export_response()


@blueprint.post("/your-data/delete")
@page_login_required()
def delete_data() -> Response:
    """Delete everything; the account stays."""
    deleted = delete_everything(services(), identity().user.id, by=identity().user.name)
    flash(f"{plural(deleted.photos, 'photo', 'photos')} and everything about them were deleted.", DONE)
    return redirect(url_for("pages.your_data"), code=303)


@blueprint.post("/photos/<photo_id>/delete")
@page_login_required()
def delete_photo(photo_id: str) -> Response:
    """Delete one photo, and go back to the batch or the list that led to it."""
    remove(services(), photo_id, identity().owner_filter, by=identity().user.name)
    flash("The photo and everything about it were deleted.", DONE)
    return back(url_for("pages.jobs"))
