"""Everything a person has here: taken along, or deleted."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import Response
from pydantic import BaseModel, Field

from web.account_data import Deleted, delete_everything, export_response
from web.api.answers import Answers, answer, problems
from web.auth import identity, require
from web.services import services

blueprint = APIBlueprint("account_data", __name__, tag="Your data")
ZIP: Answers = {200: {"description": "A zip archive", "content": {"application/zip": {}}}}


class DeletedOut(BaseModel):
    """What was deleted."""

    photos: int = Field(description="Photos, each with its predictions and its jobs' answers.")
    batches: int = Field(description="Batches.")
    reviews: int = Field(description="Answers they gave as a reviewer.")

    @classmethod
    def of(cls, deleted: Deleted) -> DeletedOut:
        """The public view of a deletion."""
        return cls(photos=deleted.photos, batches=deleted.batches, reviews=deleted.reviews)


@blueprint.get("/account/data")
@require("read")
@blueprint.doc(
    summary="Everything that is yours",
    description="A streamed zip: photos, and JSON lines about them, jobs, predictions, listings, "
    "reviews, batches, webhooks.",
    responses={**ZIP, **problems()},
)
def export() -> Response:
    """The archive of whoever asks."""
    return export_response()


@blueprint.delete("/account/data")
@require("classify")
@blueprint.output(DeletedOut)
@blueprint.doc(
    summary="Delete everything that is yours",
    description="Photos, predictions, jobs, listings, batches, webhooks and answers given as a reviewer. "
    "Asked again, an interrupted one goes on.",
    responses=problems(),
)
def delete() -> Response:
    """Delete what whoever asks has here; the account stays."""
    user = identity().user
    return answer(DeletedOut.of(delete_everything(services(), user.id, by=user.name)))
