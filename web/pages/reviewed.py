"""What a version answered for a photo, and why: for reviewers, once they have answered it themselves."""

from __future__ import annotations

from flask import render_template

from shared.models import neighbours, registry
from shared.reviewing import store
from web.auth import identity, page_login_required
from web.pages import blueprint
from web.pages.present.listing_views import answer_label
from web.pages.present.photo_cards import suggestion
from web.pages.present.version_views import learned_photo
from web.pages.present.why_views import why_views
from web.services import services

# As many as fit beside the photo.
SHOWN = 5


@blueprint.get("/review/photos/<photo_id>/answer")
@page_login_required("reviewer")
def reviewed_photo(photo_id: str) -> str:
    """A reviewer's answer beside the version's. Before they answered, it would be no opinion of their own."""
    with services().database.read() as session:
        review, photo, prediction = store.answered(session, identity().user.id, photo_id)
        version = registry.find(session, prediction.model_version)
        nearest = neighbours.labelled(session, version, prediction.nearest or [])
    return render_template(
        "review/answer.html",
        photo_id=photo_id,
        said=answer_label(review.label),
        version=version.number,
        asked=prediction.decision == "ask",
        nearest=[learned_photo(neighbour) for neighbour in nearest],
        suggested=answer_label(prediction.category),
        suggestions=[suggestion(entry) for entry in prediction.top[:SHOWN]],
        why=why_views([photo], [prediction]),
    )
